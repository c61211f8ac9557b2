import type { Worker } from "node:worker_threads";
import { builtin } from "../files/node-builtins.ts";
import { transform } from "../pipe.ts";
import type { Rows, TokenizedPreferenceRow, TokenizedRow } from "../rows.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type PackedRows, unpackIds } from "./packed-ids.ts";
import { mergeReports, type TokenizationReport, warnOfLosses } from "./report.ts";
import type { TokenizeDialoguesOptions } from "./tokenize-dialogues.ts";
import type { TokenizePreferencesOptions } from "./tokenize-preferences.ts";

export interface Shard {
  firstRow: number;
  rows: object[];
}
export type ShardAnswer = (PackedRows & { report: TokenizationReport }) | { error: string };
export interface WorkerTask {
  files: Record<string, string>;
  kind: "preferences" | "dialogues";
  options: object;
}

/** The stage to run, its options, and on how many threads. */
export type TokenizeParallelOptions = { workers: number } & (
  | ({ kind: "preferences" } & TokenizePreferencesOptions)
  | ({ kind: "dialogues" } & TokenizeDialoguesOptions)
);

/** Small enough that no thread works alone at the end for long. */
const ROWS_PER_SHARD = 32;
/** One that a thread works on, and one so that it need not wait for the next. */
const SHARDS_PER_THREAD = 2;
/** Shards a thread may be ahead of the first that is not done: one slow thread must not hold up the others. */
const SHARDS_AHEAD = 8;

interface Thread {
  /** Shards that it was sent and has not answered. */
  readonly waiting: number;
  /** Sends a shard; the answers come back in the order of the shards. */
  tokenize(shard: Shard): Promise<ShardAnswer>;
  stop(): Promise<unknown>;
}

function startThread(task: WorkerTask): Thread {
  const { Worker } = builtin("node:worker_threads", "tokenizeParallel");
  const file = import.meta.url.endsWith(".ts") ? "./tokenize-worker.ts" : "./tokenize-worker.js";
  const worker: Worker = new Worker(new URL(file, import.meta.url), { workerData: task });
  const waiting: { resolve(answer: ShardAnswer): void; reject(error: unknown): void }[] = [];
  worker.on("message", (answer: ShardAnswer) => waiting.shift()?.resolve(answer));
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
    for (const { reject } of waiting.splice(0)) reject(failure);
  };
  worker.on("error", fail);
  worker.on("exit", (code) => fail(new Error(`tokenizeParallel: a thread ended with code ${code}`)));
  return {
    get waiting() {
      return waiting.length;
    },
    tokenize: (shard) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        waiting.push({ resolve, reject });
        worker.postMessage(shard);
      }),
    stop: () => worker.terminate(),
  };
}

/** The thread with the least to do, as soon as one has room. `working` are the shards that are not done. */
async function freeThread(threads: readonly Thread[], working: ReadonlySet<Promise<unknown>>): Promise<Thread> {
  for (;;) {
    const thread = threads.reduce((least, other) => (other.waiting < least.waiting ? other : least));
    if (thread.waiting < SHARDS_PER_THREAD) return thread;
    await Promise.race(working);
  }
}

async function* shardsOf(rows: AsyncIterable<object>, firstRow: number): AsyncGenerator<Shard> {
  let shard: Shard = { firstRow, rows: [] };
  for await (const row of rows) {
    shard.rows.push(row);
    if (shard.rows.length < ROWS_PER_SHARD) continue;
    yield shard;
    shard = { firstRow: shard.firstRow + shard.rows.length, rows: [] };
  }
  if (shard.rows.length > 0) yield shard;
}

/**
 * `tokenizePreferences` or `tokenizeDialogues` on several threads: the same rows in the same order, with one report. Each thread loads
 * the tokenizer once per iteration, so it pays from a few thousand rows on.
 *
 * @throws the error of the first row, in row order, that cannot be tokenized.
 * @example
 * const pairs = pipe(rows, tokenizeParallel(tokenizer, { kind: "preferences", maxLength: 1024, workers: 2 }));
 */
export function tokenizeParallel(
  tokenizer: Tokenizer,
  options: TokenizeParallelOptions & { kind: "preferences" },
): (rows: AsyncIterable<object>) => Rows<TokenizedPreferenceRow & { prompt_id?: string }>;
export function tokenizeParallel(
  tokenizer: Tokenizer,
  options: TokenizeParallelOptions & { kind: "dialogues" },
): (rows: AsyncIterable<object>) => Rows<TokenizedRow & { prompt_id?: string }>;
export function tokenizeParallel(
  tokenizer: Tokenizer,
  { kind, workers, onReport = warnOfLosses, firstRow = 0, ...options }: TokenizeParallelOptions,
): (rows: AsyncIterable<object>) => Rows<object> {
  if (!Number.isInteger(workers) || workers < 1)
    throw new RangeError(`tokenizeParallel: workers is ${workers}; it must be a whole number from 1`);
  return transform(async function* (rows: AsyncIterable<object>) {
    const threads = Array.from({ length: workers }, () => startThread({ files: tokenizer.files, kind, options }));
    const inFlight: Promise<ShardAnswer>[] = [];
    const working = new Set<Promise<unknown>>();
    const reports: TokenizationReport[] = [];
    const next = async (): Promise<object[]> => {
      const answer = await inFlight.shift()!;
      if ("error" in answer) throw new Error(answer.error);
      reports.push(answer.report);
      return unpackIds(answer);
    };
    try {
      for await (const shard of shardsOf(rows, firstRow)) {
        if (inFlight.length >= SHARDS_AHEAD * workers) yield* await next();
        const thread = await freeThread(threads, working);
        const answer = thread.tokenize(shard);
        const done: Promise<unknown> = answer.catch(() => undefined).then(() => working.delete(done));
        working.add(done);
        inFlight.push(answer);
      }
      while (inFlight.length > 0) yield* await next();
    } finally {
      await Promise.all(threads.map((thread) => thread.stop()));
    }
    onReport(mergeReports(reports));
  });
}
