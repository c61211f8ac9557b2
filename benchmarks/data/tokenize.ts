/**
 * How much faster is tokenization with several threads, and are the ids the same?
 *
 *   npx node --conditions=zephyr-source benchmarks/data/tokenize.ts [dialogues] [workers] [rounds]
 *
 * Dialogues of UltraChat's length through the tokenizer of `TOKENIZER` (a model folder) or the small one of the tests. One core is
 * `tokenizeDialogues` in this thread; the others are `tokenizeParallel`, the start of its threads included. Medians of the rounds.
 */
import { availableParallelism } from "node:os";
import {
  collectRows,
  loadTokenizer,
  randomFor,
  rowsOf,
  type TokenizedRow,
  tokenizeDialogues,
  tokenizeParallel,
} from "@zephyr/data";
import { dialogueLength, dialogueOf, words } from "./generate.ts";
import { print, printMachine, timed } from "./measure.ts";

const [dialogues = "2000", workers = "2", rounds = "3"] = process.argv.slice(2);
const folder = process.env["TOKENIZER"] ?? new URL("../../packages/data/src/fixtures/mistral", import.meta.url).pathname;
const tokenizer = await loadTokenizer(folder);
const rows = Array.from({ length: Number(dialogues) }, (_, i) => {
  const random = randomFor(10, i);
  return dialogueOf(words(random, dialogueLength(random)), `chat-${i}`);
});
const options = { maxLength: 4096, onReport: () => undefined };
const stages = {
  one: tokenizeDialogues(tokenizer, options),
  parallel: tokenizeParallel(tokenizer, { kind: "dialogues", workers: Number(workers), ...options }),
};

async function run(stage: (dialogues: AsyncIterable<(typeof rows)[number]>) => AsyncIterable<TokenizedRow>) {
  let tokenized: TokenizedRow[] = [];
  const time = await timed(async () => {
    tokenized = await collectRows(stage(rowsOf(rows)));
  });
  return { ...time, tokenized };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

printMachine();
await run((source) => stages.one(source));
const [one, parallel]: [number[], number[]] = [[], []];
let equal = true;
let tokens = 0;
for (let round = 0; round < Number(rounds); round += 1) {
  const alone = await run((source) => stages.one(source));
  const together = await run((source) => stages.parallel(source));
  one.push(alone.seconds);
  parallel.push(together.seconds);
  equal &&= JSON.stringify(alone.tokenized) === JSON.stringify(together.tokenized);
  tokens = alone.tokenized.reduce((sum, { input_ids }) => sum + input_ids.length, 0);
}
print({
  case: "tokenize",
  cores: availableParallelism(),
  dialogues: rows.length,
  tokens,
  tokens_per_second_one: tokens / median(one),
  [`tokens_per_second_${workers}`]: tokens / median(parallel),
  speedup: median(one) / median(parallel),
  ids_equal: equal,
});
