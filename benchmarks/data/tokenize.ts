/**
 * How much faster is tokenization with several threads than with one, how much could it be on this machine, and are the ids the same?
 *
 *   npx node --conditions=zephyr-source benchmarks/data/tokenize.ts [dialogues] [workers] [rounds]
 *
 * Dialogues of UltraChat's length through the tokenizer of `TOKENIZER` (a model folder) or the small one of the tests. One core is
 * `tokenizeDialogues` in this thread; the others are `tokenizeParallel`. The start of the threads (their modules, the tokenizer) is measured
 * alone, and is part of the speed-up: with 4,000 dialogues, some ten seconds of work, it takes a few percent. The ceilings say what the
 * machine gives to as many processes as there are workers, each of which does the whole work of one: an integer loop, which needs nothing but
 * the core, and the tokenizer itself. Medians of the rounds; `cpu_ratio` is the processor time with threads by that without, which a loaded
 * machine measures more truly than the clock.
 */
import { availableParallelism } from "node:os";
import {
  collectRows,
  type DialogueRow,
  loadTokenizer,
  randomFor,
  rowsOf,
  type TokenizedRow,
  tokenizeDialogues,
  tokenizeParallel,
} from "@zephyr/data";
import { dialogueLength, dialogueOf, words } from "./generate.ts";
import { inOwnProcess, print, printMachine, timed } from "./measure.ts";

interface Run {
  seconds: number;
  cpu_seconds: number;
  tokenized: TokenizedRow[];
}

const [first = "4000", second = "2", third = "3"] = process.argv.slice(2);
const folder = process.env["TOKENIZER"] ?? new URL("../../packages/data/src/fixtures/mistral", import.meta.url).pathname;
const options = { maxLength: 4096, onReport: () => undefined };

function dialogues(count: number): DialogueRow[] {
  return Array.from({ length: count }, (_, i) => {
    const random = randomFor(10, i);
    return dialogueOf(words(random, dialogueLength(random)), `chat-${i}`);
  });
}

async function run(stage: (rows: AsyncIterable<DialogueRow>) => AsyncIterable<TokenizedRow>, rows: DialogueRow[]): Promise<Run> {
  let tokenized: TokenizedRow[] = [];
  const time = await timed(async () => {
    tokenized = await collectRows(stage(rowsOf(rows)));
  });
  return { ...time, tokenized };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Work for a core and nothing else: no memory, no kernel. */
function integerLoop(): number {
  const started = performance.now();
  let state = 1;
  for (let i = 0; i < 1e9; i++) state = (Math.imul(state, 1664525) + 1013904223) | 0;
  // Without a use of its result the loop would be compiled away.
  return (performance.now() - started) / 1000 + (state === 0.5 ? 1 : 0);
}

/** The seconds of one job in a process of its own. */
async function secondsOf(job: string, count: number): Promise<number> {
  return (await inOwnProcess<{ seconds: number }>(import.meta.filename, [job, count])).seconds;
}

/** How many times the work of one process so many do at once. */
async function ceiling(job: string, count: number, workers: number): Promise<number> {
  const alone = await secondsOf(job, count);
  const together = await Promise.all(Array.from({ length: workers }, () => secondsOf(job, count)));
  return (workers * alone) / Math.max(...together);
}

async function tokenizeAlone(count: number): Promise<number> {
  const stage = tokenizeDialogues(await loadTokenizer(folder), options);
  const rows = dialogues(count);
  await run(stage, rows.slice(0, 100));
  return (await run(stage, rows)).seconds;
}

async function compare(count: number, workers: number, rounds: number): Promise<void> {
  printMachine();
  const tokenizer = await loadTokenizer(folder);
  const rows = dialogues(count);
  const stages = {
    one: tokenizeDialogues(tokenizer, options),
    parallel: tokenizeParallel(tokenizer, { kind: "dialogues", workers, ...options }),
  };
  await run(stages.one, rows.slice(0, 200));
  const results: Record<"start" | "one" | "parallel", Run[]> = { start: [], one: [], parallel: [] };
  const ceilings: Record<"loop" | "alone", number[]> = { loop: [], alone: [] };
  let equal = true;
  for (let round = 0; round < rounds; round += 1) {
    ceilings.loop.push(await ceiling("loop", 0, workers));
    ceilings.alone.push(await ceiling("alone", Math.ceil(count / 4), workers));
    results.start.push(await run(stages.parallel, rows.slice(0, workers)));
    results.one.push(await run(stages.one, rows));
    results.parallel.push(await run(stages.parallel, rows));
    equal &&= JSON.stringify(results.one[round]!.tokenized) === JSON.stringify(results.parallel[round]!.tokenized);
  }
  const seconds = (runs: readonly Run[]) => median(runs.map((run) => run.seconds));
  const cpu = (runs: readonly Run[]) => median(runs.map((run) => run.cpu_seconds));
  const tokens = results.one[0]!.tokenized.reduce((sum, { input_ids }) => sum + input_ids.length, 0);
  const speedup = seconds(results.one) / seconds(results.parallel);
  print({
    case: "tokenize",
    cores: availableParallelism(),
    dialogues: count,
    tokens,
    tokens_per_second_one: tokens / seconds(results.one),
    [`tokens_per_second_${workers}`]: tokens / seconds(results.parallel),
    speedup,
    start_up_seconds: seconds(results.start),
    speedup_without_start_up: seconds(results.one) / (seconds(results.parallel) - seconds(results.start)),
    ceiling_integer_loop: median(ceilings.loop),
    ceiling_tokenizer: median(ceilings.alone),
    of_the_ceiling: speedup / median(ceilings.alone),
    cpu_ratio: cpu(results.parallel) / cpu(results.one),
    ids_equal: equal,
  });
}

if (first === "loop") print({ seconds: integerLoop() });
else if (first === "alone") print({ seconds: await tokenizeAlone(Number(second)) });
else await compare(Number(first), Number(second), Number(third));
