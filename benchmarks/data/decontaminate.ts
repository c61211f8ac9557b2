/**
 * Are planted copies of benchmark prompts all found, are clean rows left alone, and how long does it take?
 *
 *   npx node --conditions=zephyr-source benchmarks/data/decontaminate.ts [dialogues]
 *
 * Prompts: those of every file under `ZEPHYR_BENCHMARK_DATA` (default ../shared/data) that holds any, filled up with invented ones to 1,702
 * (MT-Bench, AlpacaEval and TruthfulQA together). Each is planted once in every disguise, among clean dialogues of UltraChat's length.
 * The time is that of `decontaminate` alone; what generating the rows takes is subtracted.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { benchmarkPrompts, collectRows, decontaminate, type Random, randomFor, readRows } from "@zephyr/data";
import { dialogueLength, dialogueOf, text, words } from "./generate.ts";
import { peakMib, print, printMachine, timed } from "./measure.ts";

const PROMPTS = 80 + 805 + 817;

const disguises: Record<string, (prompt: string, random: Random) => string> = {
  none: (prompt) => prompt,
  "upper case": (prompt) => prompt.toUpperCase(),
  spaces: (prompt) => prompt.replaceAll(" ", "  \n\t"),
  punctuation: (prompt) => `"${prompt.replaceAll(" ", ", ")}"!?`,
  "no punctuation": (prompt) => prompt.replace(/[^\p{L}\p{N}\s]/gu, ""),
  embedded: (prompt, random) => `${text(random, 60)} ${prompt} ${text(random, 200)}`,
  "all at once": (prompt, random) =>
    `${text(random, 400)} -- ${prompt.toUpperCase().replaceAll(" ", " , ")}... ${text(random, 40)}`,
};

/** Prompts of 5 to 44 words, too long to occur by chance. */
function invented(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${words(randomFor(6, i), 5 + (i % 40)).join(" ")}?`);
}

async function published(): Promise<string[]> {
  const folder = process.env["ZEPHYR_BENCHMARK_DATA"] ?? "../shared/data";
  const path = join(folder, "mtbench/question.jsonl");
  if (!existsSync(path)) return [];
  return (await collectRows(readRows(path))).flatMap(benchmarkPrompts);
}

interface Row {
  prompt_id: string;
  messages: { role: string; content: string }[];
}

async function* rowsOf(prompts: readonly string[], clean: number): AsyncGenerator<Row> {
  for (const [name, disguise] of Object.entries(disguises)) {
    for (const [i, prompt] of prompts.entries()) {
      const copy = disguise(prompt, randomFor(7, `${name} ${i}`));
      const answer = text(randomFor(8, i), 80);
      const messages = [
        { role: "user", content: copy },
        { role: "assistant", content: answer },
      ];
      yield { prompt_id: `planted, ${name}, ${i}`, messages };
    }
  }
  for (let i = 0; i < clean; i += 1) {
    const random = randomFor(9, i);
    yield dialogueOf(words(random, dialogueLength(random)), `clean-${i}`);
  }
}

async function drain(rows: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of rows);
}

const clean = Number(process.argv[2] ?? 200_000);
const real = await published();
const prompts = [...real, ...invented(PROMPTS - real.length)];
const source = { [Symbol.asyncIterator]: () => rowsOf(prompts, clean) };
printMachine();
const found: Record<string, number> = Object.fromEntries(Object.keys(disguises).map((name) => [name, 0]));
let falseAlarms = 0;
const step = decontaminate({
  against: [{ name: "benchmarks", prompts }],
  onDrop: ({ prompt_id: id }) => {
    const planted = /^planted, (.*), \d+$/.exec(id!)?.[1];
    if (planted === undefined) falseAlarms += 1;
    else found[planted]! += 1;
  },
});
const generation = await timed(() => drain(source));
const whole = await timed(() => drain(step(source)));
const hits = Object.values(found).reduce((sum, n) => sum + n, 0);
print({ prompts: prompts.length, published: real.length, planted: prompts.length * Object.keys(disguises).length, found });
print({
  case: "decontaminate",
  recall: hits / (prompts.length * Object.keys(disguises).length),
  precision: hits / (hits + falseAlarms),
  false_alarms: falseAlarms,
  clean_dialogues: clean,
  seconds: whole.seconds - generation.seconds,
  cpu_seconds: whole.cpu_seconds - generation.cpu_seconds,
  peak_mib: peakMib(),
});
