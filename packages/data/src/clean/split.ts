import { transform } from "../pipe.ts";
import type { Rows } from "../rows.ts";
import { KeyList } from "./key-list.ts";
import { rowKey } from "./row-key.ts";

/** How many rows and how many different prompts went into each part, in all and by stratum. */
export interface SplitReport {
  step: "split";
  rows: number;
  parts: Record<string, PartCount>;
}

/**
 * Splits rows into parts of the given fractions, each part a stream of its own in the rows' order.
 *
 * Which part a row falls into depends on the seed, the row's `prompt_id` (or else its prompt) and the set of rows, not on their order.
 * Rows of one prompt (and stratum) fall into the same part, so that no prompt of the test part is trained on; fractions are of prompts.
 * With `stratifyBy` every value of that column is split by the same fractions (to within one prompt), the totals staying exact.
 *
 * Takes one pass over the rows before the first part is read (8 bytes of memory a row), so they must be re-iterable;
 * each part reads them again.
 *
 * Throws RangeError (`BAD_OPTION`) for fractions that are not above 0 or do not add up to 1, or a seed that is no integer.
 *
 * @example
 * const { train, test } = split({ parts: { train: 0.98, test: 0.02 }, seed: 0, stratifyBy: "source" })(rows);
 */
export function split<Name extends string>({
  parts,
  seed,
  stratifyBy,
  onReport,
}: {
  parts: Record<Name, number>;
  seed: number;
  stratifyBy?: string;
  onReport?: (report: SplitReport) => void;
}): <R extends object>(rows: AsyncIterable<R>) => Record<Name, Rows<R>> {
  checkParts(parts, seed);
  const names = Object.keys(parts) as Name[];
  const fractions = names.map((name) => parts[name]);
  return <R extends object>(rows: AsyncIterable<R>) => {
    let plan: Promise<Plan> | undefined;
    const planned = () => {
      plan ??= planSplit(rows, fractions, seed, stratifyBy).then((ready) => {
        onReport?.(reportOf(names, ready));
        return ready;
      });
      return plan;
    };
    const partRows = (wanted: number): Rows<R> =>
      transform(async function* (source: AsyncIterable<R>) {
        const { rows: expected, partOf } = await planned();
        let rowNumber = 0;
        for await (const row of source) {
          rowNumber += 1;
          const part = partOf(stratumOf(row, stratifyBy), rowKey("split", seed, row, rowNumber));
          if (part === wanted) yield row;
        }
        if (rowNumber !== expected) throw changedRows(expected, rowNumber);
      })(rows);
    return Object.fromEntries(names.map((name, part) => [name, partRows(part)])) as Record<Name, Rows<R>>;
  };
}

interface Plan {
  rows: number;
  partOf: (stratum: string, key: number) => number;
  counts: PartCount[];
}

interface PartCount {
  rows: number;
  prompts: number;
  strata: Record<string, number>;
}

async function planSplit(
  rows: AsyncIterable<object>,
  fractions: readonly number[],
  seed: number,
  stratifyBy: string | undefined,
): Promise<Plan> {
  const strata = new Map<string, KeyList>();
  let rowNumber = 0;
  for await (const row of rows) {
    rowNumber += 1;
    const stratum = stratumOf(row, stratifyBy);
    let keys = strata.get(stratum);
    if (keys === undefined) {
      keys = new KeyList();
      strata.set(stratum, keys);
    }
    keys.push(rowKey("split", seed, row, rowNumber));
  }
  const counts = fractions.map((): PartCount => ({ rows: 0, prompts: 0, strata: {} }));
  const limits = limitsOfStrata(strata, cumulative(fractions), counts);
  // A stratum that was not there in the first pass falls to the last part; the count of rows then gives it away.
  const partOf = (stratum: string, key: number) => partAt(limits.get(stratum) ?? [], key, fractions.length);
  return { rows: rowNumber, counts, partOf };
}

/** Per stratum the largest key of each part; fills the counts on the way. */
function limitsOfStrata(
  strata: ReadonlyMap<string, KeyList>,
  upTo: readonly number[],
  counts: PartCount[],
): Map<string, number[]> {
  const limits = new Map<string, number[]>();
  let before = 0;
  for (const stratum of [...strata.keys()].toSorted()) {
    const keys = strata.get(stratum)!.sorted();
    const prompts = keys.filter((key, i) => key !== keys[i - 1]);
    const bounds = upTo.map((fraction) => roundedShare(fraction, before, prompts.length));
    const own = bounds.map((bound) => prompts[bound - 1] ?? -1);
    limits.set(stratum, own);
    before += prompts.length;
    for (const [i, key] of keys.entries()) {
      const count = counts[partAt(own, key, upTo.length)]!;
      count.rows += 1;
      if (key !== keys[i - 1]) count.prompts += 1;
      count.strata[stratum] = (count.strata[stratum] ?? 0) + 1;
    }
  }
  return limits;
}

function partAt(limits: readonly number[], key: number, parts: number): number {
  const part = limits.findIndex((limit) => key <= limit);
  return part === -1 ? parts - 1 : part;
}

/**
 * How many of a stratum's prompts lie below a cumulative fraction. It is rounded over the running total of all strata,
 * so that what one stratum rounds up the next rounds down, and the whole has its fractions exactly.
 */
function roundedShare(fraction: number, before: number, size: number): number {
  return Math.round(fraction * (before + size)) - Math.round(fraction * before);
}

function cumulative(fractions: readonly number[]): number[] {
  let sum = 0;
  return fractions.map((fraction) => {
    sum += fraction;
    return sum;
  });
}

function stratumOf(row: object, column: string | undefined): string {
  if (column === undefined) return "all";
  const value = (row as Record<string, unknown>)[column];
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "none");
}

function reportOf(names: readonly string[], { rows, counts }: Plan): SplitReport {
  return { step: "split", rows, parts: Object.fromEntries(names.map((name, part) => [name, counts[part]!])) };
}

function changedRows(expected: number, seen: number) {
  return Object.assign(
    new Error(`split: the first pass saw ${expected} rows, this one ${seen}; give rows that are the same in every pass`),
    { code: "NOT_REITERABLE" },
  );
}

function checkParts(parts: Record<string, number>, seed: number): void {
  const entries = Object.entries(parts);
  const sum = entries.reduce((total, [, fraction]) => total + fraction, 0);
  if (entries.some(([, fraction]) => !(fraction > 0)) || !(Math.abs(sum - 1) < 1e-9)) {
    const shown = entries.map(([name, fraction]) => `${name}=${fraction}`).join(",");
    throw badOption(`parts are ${shown || "none"}; give fractions above 0 that add up to 1`);
  }
  if (!Number.isSafeInteger(seed)) throw badOption(`seed is ${seed}; it must be an integer`);
}

function badOption(what: string) {
  return Object.assign(new RangeError(`split: ${what}`), { code: "BAD_OPTION" });
}
