import { studentTQuantile } from "./distributions.ts";

/** An estimate with its standard error and confidence interval, in the unit of the values. */
export interface Interval {
  mean: number;
  /** Standard error of the mean; 0 for a single value, whose interval is unbounded. */
  standardError: number;
  lo: number;
  hi: number;
  /** How many values. */
  n: number;
  /** How many independent groups the values fall into (n without clustering). */
  clusters: number;
}

/** How wide an interval is. */
export interface IntervalOptions {
  /** Confidence level, 0.95 unless told. */
  level?: number;
}

/** The key by which values belong together: the prompt or question they answer. */
export type Cluster = string | number;

/**
 * Mean of independent values with Student's t interval.
 * Throws a RangeError when there is no value or one is not finite; one value alone gives an unbounded interval.
 *
 * @example
 * meanInterval([7, 8, 9]); // mean 8, standardError 0.577, lo 5.516, hi 10.484
 */
export function meanInterval(values: readonly number[], { level = 0.95 }: IntervalOptions = {}): Interval {
  checkValues("meanInterval", values, level);
  const mean = average(values);
  const standardError = sampleDeviation(values, mean) / Math.sqrt(values.length);
  return around(mean, standardError, values.length, values.length, level);
}

/**
 * Mean of values that come in groups (two turns of one question, both orders of one prompt) with the cluster-robust
 * standard error, sqrt(G/(G-1) sum_g (sum of residuals in g)^2) / N, and t(G-1).
 * Throws a RangeError when the arrays differ in length, are empty or hold a non-finite number.
 * Source: Liang and Zeger 1986; Miller 2024, "Adding error bars to evals".
 *
 * @example
 * clusteredInterval([9, 7, 4, 6], ["q1", "q1", "q2", "q2"]); // n 4, clusters 2
 */
export function clusteredInterval(
  values: readonly number[],
  clusters: readonly Cluster[],
  { level = 0.95 }: IntervalOptions = {},
): Interval {
  checkValues("clusteredInterval", values, level);
  if (clusters.length !== values.length)
    throw new RangeError(
      `clusteredInterval: ${values.length} values but ${clusters.length} cluster keys; give one key per value`,
    );
  const mean = average(values);
  const residuals = new Map<Cluster, number>();
  values.forEach((value, i) => {
    residuals.set(clusters[i]!, (residuals.get(clusters[i]!) ?? 0) + value - mean);
  });
  const groups = residuals.size;
  const squares = [...residuals.values()].reduce((sum, r) => sum + r * r, 0);
  const standardError = groups > 1 ? Math.sqrt((groups / (groups - 1)) * squares) / values.length : 0;
  return around(mean, standardError, values.length, groups, level);
}

/**
 * Mean of values between 0 and 1 (wins 1, ties 0.5, losses 0) with Wilson's interval at the effective sample size
 * p(1-p)/se^2. Unlike the t interval it stays inside [0, 1] and keeps a width when every value is the same.
 * Throws a RangeError on a value outside [0, 1], on arrays of different length and on no values.
 * Source: Wilson 1927; Dean and Pagano 2015 for clustered data.
 *
 * @example
 * rateInterval([1, 1, 1, 1]); // mean 1, lo 0.28, hi 1
 */
export function rateInterval(
  values: readonly number[],
  clusters?: readonly Cluster[],
  { level = 0.95 }: IntervalOptions = {},
): Interval {
  const outside = values.findIndex((value) => !(value >= 0 && value <= 1));
  if (outside >= 0) throw new RangeError(`rateInterval: value ${outside} is ${values[outside]}; a rate's values lie in [0, 1]`);
  const plain = clusters ? clusteredInterval(values, clusters, { level }) : meanInterval(values, { level });
  return { ...plain, ...wilsonEnds(plain.mean, plain.standardError, plain.clusters, level) };
}

/** Ends of Wilson's interval of a rate from its mean, standard error and number of independent groups. */
export function wilsonEnds(mean: number, standardError: number, groups: number, level = 0.95): { lo: number; hi: number } {
  if (groups < 2) return { lo: 0, hi: 1 };
  const spread = mean * (1 - mean);
  const effective = standardError > 0 && spread > 0 ? spread / standardError ** 2 : groups;
  const t2 = studentTQuantile((1 + level) / 2, groups - 1) ** 2;
  const centre = (mean + t2 / (2 * effective)) / (1 + t2 / effective);
  const half = (Math.sqrt(t2) * Math.sqrt(spread / effective + t2 / (4 * effective ** 2))) / (1 + t2 / effective);
  // Rounding may leave the interval an ulp short of a mean at 0 or 1.
  return { lo: Math.max(0, Math.min(mean, centre - half)), hi: Math.min(1, Math.max(mean, centre + half)) };
}

/** Arithmetic mean. */
export function average(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Standard deviation with n - 1 in the denominator; 0 for a single value. */
export function sampleDeviation(values: readonly number[], mean: number = average(values)): number {
  if (values.length < 2) return 0;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

function around(mean: number, standardError: number, n: number, clusters: number, level: number): Interval {
  if (clusters < 2) return { mean, standardError: 0, lo: -Infinity, hi: Infinity, n, clusters };
  const half = studentTQuantile((1 + level) / 2, clusters - 1) * standardError;
  return { mean, standardError, lo: mean - half, hi: mean + half, n, clusters };
}

/** Throws a RangeError unless `values` holds finite numbers and `level` lies between 0 and 1. */
export function checkValues(name: string, values: readonly number[], level: number): void {
  if (values.length === 0) throw new RangeError(`${name}: there are no values; give at least one`);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new RangeError(`${name}: value ${bad} is ${values[bad]}; drop failed rows before averaging`);
  if (!(level > 0 && level < 1))
    throw new RangeError(`${name}: level is ${level}; it must lie between 0 and 1, for example 0.95`);
}
