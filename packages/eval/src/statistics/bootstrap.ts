import { cpythonRandom } from "../random/cpython-random.ts";
import { normalCdf, normalQuantile, studentTQuantile } from "./distributions.ts";
import type { Cluster, IntervalOptions } from "./interval.ts";
import { sampleDeviation } from "./interval.ts";

const JACKKNIFE_BLOCKS = 200;

export interface BootstrapOptions<T> extends IntervalOptions {
  /** The number to estimate from a set of values; the mean of numbers unless told. */
  statistic?: (sample: readonly T[]) => number;
  /** Same seed, same interval. 0 unless told. */
  seed?: number;
  /** How many resamples, 2000 unless told. */
  resamples?: number;
  /** One key per value: whole groups are drawn, never parts of one. */
  clusters?: readonly Cluster[];
}

/** A statistic, its standard error and its interval, by resampling. */
export interface BootstrapInterval {
  estimate: number;
  standardError: number;
  lo: number;
  hi: number;
  resamples: number;
}

/**
 * Bias-corrected and accelerated bootstrap interval of any statistic, widened for few values, deterministic by seed.
 * Throws a RangeError when there are fewer than two values (or groups) or the statistic is not finite.
 * Source: Efron 1987, "Better bootstrap confidence intervals"; Hesterberg 2015, "What teachers should know about the bootstrap".
 *
 * @example
 * bootstrap([1, 0, 1, 1, 0, 1], { seed: 0 }).lo;
 */
export function bootstrap<T = number>(values: readonly T[], options: BootstrapOptions<T> = {}): BootstrapInterval {
  const { statistic = meanOf as (sample: readonly T[]) => number, seed = 0, resamples = 2000, clusters, level = 0.95 } = options;
  const groups = groupValues(values, clusters);
  if (groups.length < 2) throw new RangeError(`bootstrap: ${groups.length} independent value(s); at least 2 are needed`);
  if (!(resamples >= 100)) throw new RangeError(`bootstrap: resamples is ${resamples}; use at least 100`);
  const estimate = finite(statistic(values), "the values as given");
  const rng = cpythonRandom(seed);
  const draws = Float64Array.from({ length: resamples }, (_, r) => {
    const sample = groups.flatMap(() => groups[rng.randbelow(groups.length)]!);
    return finite(statistic(sample), `resample ${r}`);
  }).sort();
  const [lowTail, highTail] = tails(estimate, draws, jackknife(groups, statistic), groups.length, level);
  return {
    estimate,
    standardError: sampleDeviation([...draws]),
    lo: percentile(draws, lowTail),
    hi: percentile(draws, highTail),
    resamples,
  };
}

/** The two cumulative probabilities at which BCa reads the bootstrap distribution. */
function tails(
  estimate: number,
  draws: Float64Array,
  leftOut: readonly number[],
  groups: number,
  level: number,
): [number, number] {
  let below = 0;
  for (const draw of draws) below += draw < estimate ? 1 : draw === estimate ? 0.5 : 0;
  const share = Math.min(Math.max(below / draws.length, 0.5 / draws.length), 1 - 0.5 / draws.length);
  const bias = normalQuantile(share);
  const centre = meanOf(leftOut);
  let cubes = 0;
  let squares = 0;
  for (const value of leftOut) {
    cubes += (centre - value) ** 3;
    squares += (centre - value) ** 2;
  }
  const acceleration = squares > 0 ? cubes / (6 * squares ** 1.5) : 0;
  const adjust = (z: number) => normalCdf(bias + (bias + z) / (1 - acceleration * (bias + z)));
  // A resample of few groups varies too little: Student's t and n / (n - 1) make up for it (Hesterberg 2015, section 5.3).
  const reach = studentTQuantile((1 + level) / 2, groups - 1) * Math.sqrt(groups / (groups - 1));
  return [adjust(-reach), adjust(reach)];
}

/** The statistic without each group; beyond 200 groups without each of 200 blocks, which estimates the same skew. */
function jackknife<T>(groups: readonly T[][], statistic: (sample: readonly T[]) => number): number[] {
  const blocks = Math.min(groups.length, JACKKNIFE_BLOCKS);
  return Array.from({ length: blocks }, (_, left) =>
    finite(statistic(groups.flatMap((group, i) => (i % blocks === left ? [] : group))), `leaving out block ${left}`),
  );
}

function groupValues<T>(values: readonly T[], clusters: readonly Cluster[] | undefined): T[][] {
  if (!clusters) return values.map((value) => [value]);
  if (clusters.length !== values.length)
    throw new RangeError(`bootstrap: ${values.length} values but ${clusters.length} cluster keys; give one key per value`);
  const groups = new Map<Cluster, T[]>();
  values.forEach((value, i) => {
    const group = groups.get(clusters[i]!);
    if (group) group.push(value);
    else groups.set(clusters[i]!, [value]);
  });
  return [...groups.values()];
}

function percentile(sorted: Float64Array, p: number): number {
  const at = p * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (at - low) * (sorted[high]! - sorted[low]!);
}

function meanOf(values: readonly unknown[]): number {
  let sum = 0;
  for (const value of values) sum += value as number;
  return sum / values.length;
}

function finite(value: number, where: string): number {
  if (!Number.isFinite(value))
    throw new RangeError(`bootstrap: the statistic is ${value} for ${where}; it must be finite for every resample`);
  return value;
}
