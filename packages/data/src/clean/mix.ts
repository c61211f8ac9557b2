import { randomFor } from "../random.ts";
import type { Rows } from "../rows.ts";
import { KeyList } from "./key-list.ts";
import { rowKey } from "./row-key.ts";

/** One data set of a mixture, and the fraction of its rows to take, above 0 up to 1. */
export interface MixSource<R> {
  name: string;
  rows: AsyncIterable<R>;
  fraction: number;
}

/** Rows seen and taken of each source. */
export interface MixReport {
  step: "mix";
  rows: number;
  sources: Record<string, { rows: number; taken: number; fraction: number }>;
}

/**
 * Mixes data sets: of each one the given fraction of its rows, all interleaved at random, each source's rows in their own order.
 *
 * As in the alignment handbook's `dataset_mixer` a fraction is of the source, not of the mixture, and the count is its rounded-down share;
 * which rows are taken depends on the seed and each row's `prompt_id` (or else its prompt), not on their order. Repeated prompts are taken in order.
 *
 * Every iteration takes one pass to count and one to read, so sources must be re-iterable; 8 bytes of memory a row.
 *
 * Throws RangeError (`BAD_OPTION`) for a fraction outside (0, 1], no source, two of one name, or a seed that is no integer.
 *
 * @example
 * const rows = mix([{ name: "chat", rows: chat, fraction: 1 }, { name: "code", rows: code, fraction: 0.25 }], { seed: 0 });
 */
export function mix<R extends object>(
  sources: readonly MixSource<R>[],
  { seed, onReport }: { seed: number; onReport?: (report: MixReport) => void },
): Rows<R> {
  checkSources(sources, seed);
  return { [Symbol.asyncIterator]: () => mixRows(sources, seed, onReport) };
}

async function* mixRows<R extends object>(
  sources: readonly MixSource<R>[],
  seed: number,
  onReport: ((report: MixReport) => void) | undefined,
): AsyncGenerator<R> {
  const report: MixReport = { step: "mix", rows: 0, sources: {} };
  const streams: { rows: AsyncGenerator<R>; left: number }[] = [];
  for (const { name, rows, fraction } of sources) {
    const chosen = await chooseKeys(rows, fraction, seed);
    streams.push({ rows: takeChosen(rows, chosen, seed), left: chosen.count });
    report.rows += chosen.count;
    report.sources[name] = { rows: chosen.rows, taken: chosen.count, fraction };
  }
  const { integer } = randomFor(seed, "mix");
  let total = report.rows;
  try {
    for (; total > 0; total -= 1) {
      const stream = streamAt(streams, integer(total));
      const { value, done } = await stream.rows.next();
      if (done) {
        throw Object.assign(new Error("mix: a source had fewer rows in its second pass; give rows that can be iterated twice"), {
          code: "NOT_REITERABLE",
        });
      }
      stream.left -= 1;
      yield value;
    }
  } finally {
    for (const { rows } of streams) await rows.return(undefined);
  }
  onReport?.(report);
}

/** The stream that holds the draw-th of all rows still to come: each order of the sources is equally likely. */
function streamAt<S extends { left: number }>(streams: readonly S[], draw: number): S {
  let passed = 0;
  for (const stream of streams) {
    passed += stream.left;
    if (draw < passed) return stream;
  }
  return streams.at(-1)!;
}

interface Chosen {
  rows: number;
  count: number;
  /** Rows with a smaller key are taken, and the first `atLimit` of those that have this one. */
  limit: number;
  atLimit: number;
}

/** The rows with the smallest keys: a random choice that does not depend on their order. */
async function chooseKeys(rows: AsyncIterable<object>, fraction: number, seed: number): Promise<Chosen> {
  const keys = new KeyList();
  for await (const row of rows) keys.push(rowKey("mix", seed, row, keys.size + 1));
  const sorted = keys.sorted();
  const size = sorted.length;
  // 0.29 x 100 is 28.999999999999996.
  const count = Math.floor(fraction * size + 1e-9);
  if (count === 0) return { rows: size, count, limit: Number.NEGATIVE_INFINITY, atLimit: 0 };
  const limit = sorted[count - 1]!;
  return { rows: size, count, limit, atLimit: count - sorted.indexOf(limit) };
}

async function* takeChosen<R extends object>(
  rows: AsyncIterable<R>,
  { limit, atLimit }: Chosen,
  seed: number,
): AsyncGenerator<R> {
  let rowNumber = 0;
  let left = atLimit;
  for await (const row of rows) {
    rowNumber += 1;
    const key = rowKey("mix", seed, row, rowNumber);
    if (key < limit) yield row;
    else if (key === limit && left > 0) {
      left -= 1;
      yield row;
    }
  }
}

function checkSources(sources: readonly MixSource<unknown>[], seed: number): void {
  if (sources.length === 0) throw badOption("there are no sources; give at least one");
  const names = new Set<string>();
  for (const { name, fraction } of sources) {
    if (!(fraction > 0 && fraction <= 1))
      throw badOption(`fraction of "${name}" is ${fraction}; it must be above 0 and at most 1`);
    if (names.has(name)) throw badOption(`two sources are named "${name}"; give each its own name`);
    names.add(name);
  }
  if (!Number.isSafeInteger(seed)) throw badOption(`seed is ${seed}; it must be an integer`);
}

function badOption(what: string) {
  return Object.assign(new RangeError(`mix: ${what}`), { code: "BAD_OPTION" });
}
