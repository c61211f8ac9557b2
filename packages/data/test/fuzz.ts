/**
 * Mutated inputs for every reader: each must be read, or refused with an error that says what is wrong; never a crash, a hang, an
 * error of the machinery, or memory without bound.
 *
 *   npx node --conditions=zephyr-source packages/data/test/fuzz.ts [inputs] [seed] [reader]
 *
 * `inputs` counts over all readers together. A thread reads, the main one watches its clock and the process's memory; a fault ends
 * the run with exit code 1 and the reader, round and seed that repeat it.
 */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { randomFor } from "../src/random.ts";
import { type FuzzReader, fuzzReaders, Violation } from "./fuzz-readers.ts";
import { mutate } from "./mutate.ts";

const MOST_SECONDS_AN_INPUT = 30;
const MOST_MEMORY = 2 ** 30;

/** How many of the inputs were read to their end, and how many refused. */
export interface FuzzCount {
  read: number;
  refused: number;
}

/** Reads mutated inputs; throws naming reader and round at the first fault. `beat` is called before each. */
export async function fuzzRounds(reader: FuzzReader, seed: number, rounds: number, beat?: () => void): Promise<FuzzCount> {
  const count: FuzzCount = { read: 0, refused: 0 };
  for (let round = 0; round < rounds; round++) {
    beat?.();
    const random = randomFor(seed, `${reader.name} ${round}`);
    try {
      for await (const _ of reader.read(mutate(reader.seed, random, reader.tail), random));
      count.read++;
    } catch (error) {
      if (error instanceof Violation || !reader.refusal(error as Error))
        throw new Error(`fuzz: ${reader.name}, round ${round}, seed ${seed}: ${String(error)}`, { cause: error });
      count.refused++;
    }
  }
  return count;
}

interface Job {
  inputs: number;
  seed: number;
  only: string | undefined;
  /** [1] counts the inputs begun, so that the watching thread sees one that does not end. */
  begun: Int32Array;
}
type Message = ({ reader: string; seconds: number } & FuzzCount) | { fault: string };

async function work({ inputs, seed, only, begun }: Job, post: (message: Message) => void): Promise<void> {
  const readers = (await fuzzReaders()).filter(({ name }) => only === undefined || name === only);
  const rounds = Math.ceil(inputs / readers.length);
  for (const reader of readers) {
    const started = performance.now();
    const count = await fuzzRounds(reader, seed, rounds, () => Atomics.add(begun, 0, 1));
    post({ reader: reader.name, ...count, seconds: (performance.now() - started) / 1000 });
  }
}

/** Runs the job in a thread and ends it when it falls silent or the memory grows too far. */
function watch(job: Job): void {
  const worker = new Worker(new URL(import.meta.url), { workerData: job });
  const before = process.memoryUsage().rss;
  let last = 0;
  let since = performance.now();
  let peak = 0;
  const end = (fault: string): void => {
    console.log(JSON.stringify({ fault, peak_mib: Math.round(peak / 2 ** 20) }));
    process.exit(1);
  };
  const clock = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
    const begun = Atomics.load(job.begun, 0);
    if (begun !== last) since = performance.now();
    last = begun;
    if (performance.now() - since > 1000 * MOST_SECONDS_AN_INPUT) end(`input ${begun} did not end`);
    if (peak - before > MOST_MEMORY) end("too much memory");
  }, 50);
  worker.on("message", (message: Message) => {
    if ("fault" in message) end(message.fault);
    else console.log(JSON.stringify(message));
  });
  worker.on("error", (error) => end(String(error)));
  worker.on("exit", () => {
    clearInterval(clock);
    console.log(JSON.stringify({ inputs: job.inputs, seed: job.seed, peak_mib: Math.round(peak / 2 ** 20) }));
  });
}

if (!isMainThread && parentPort && (workerData as Job | undefined)?.inputs !== undefined) {
  const port = parentPort;
  await work(workerData as Job, (message) => port.postMessage(message)).catch((error: Error) =>
    port.postMessage({ fault: error.message }),
  );
} else if (import.meta.main) {
  const [inputs = "1000000", seed = "0", only] = process.argv.slice(2);
  watch({ inputs: Number(inputs), seed: Number(seed), only, begun: new Int32Array(new SharedArrayBuffer(4)) });
}
