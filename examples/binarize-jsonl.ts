// runnable
// One package alone: a JSON Lines file of rated answers to preference pairs, with Node's own file functions.
import { createReadStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type BinarizeReport, binarize } from "@zephyr/binarize";

const rated = [
  {
    prompt_id: "sky",
    prompt: "Why is the sky blue?",
    completions: [answer("It just is.", 2), answer("Air scatters blue light.", 5)],
  },
  { prompt_id: "sum", prompt: "What is 2 + 3?", completions: [answer("5", 5), answer("23", 1), answer("Five.", 4)] },
  { prompt_id: "sea", prompt: "Why is the sea salty?", completions: [answer("Rivers bring salt.", 4)] }, // one answer makes no pair
];

function answer(content: string, rating: number) {
  return { model: "someone", content, annotations: { helpfulness: { rating, rationale: "As rated by hand." } } };
}

const folder = await mkdtemp(join(tmpdir(), "zephyr-binarize-"));
const path = join(folder, "rated.jsonl");
await writeFile(path, rated.map((row) => `${JSON.stringify(row)}\n`).join(""));

async function* read() {
  for await (const line of createInterface({ input: createReadStream(path) })) yield JSON.parse(line) as (typeof rated)[number];
}

let report: BinarizeReport | undefined;
const pairs = binarize({
  preset: "zephyr-paper",
  seed: 0,
  onReport: (made) => {
    report = made;
  },
})(read());
for await (const { prompt_id, chosen, rejected } of pairs)
  console.log(`${prompt_id}: ${JSON.stringify(chosen[0]?.content)} over ${JSON.stringify(rejected[0]?.content)}`);
console.log("rows that made no pair:", JSON.stringify(report?.dropped));
await rm(folder, { recursive: true });
