import { studentTCdf } from "./distributions.ts";
import { type Cluster, clusteredInterval, type Interval, type IntervalOptions, meanInterval } from "./interval.ts";

/** The mean of paired differences, its interval and its p-value. */
export interface PairedDifference extends Interval {
  /** Two-sided p-value of "no difference", from t(clusters - 1). */
  pValue: number;
}

/**
 * Mean of a - b over the same questions with its interval: the right comparison of two models, since question
 * difficulty cancels. `clusters` groups values of one question. Throws a RangeError when the lengths differ.
 *
 * @example
 * pairedDifference([8, 7, 9], [7, 7, 7]); // mean 1, interval over 3 differences
 */
export function pairedDifference(
  a: readonly number[],
  b: readonly number[],
  { clusters, level = 0.95 }: IntervalOptions & { clusters?: readonly Cluster[] } = {},
): PairedDifference {
  if (a.length !== b.length)
    throw new RangeError(
      `pairedDifference: a has ${a.length} values, b has ${b.length}; both must answer the same questions in one order`,
    );
  const differences = a.map((value, i) => value - b[i]!);
  const interval = clusters ? clusteredInterval(differences, clusters, { level }) : meanInterval(differences, { level });
  return { ...interval, pValue: pValueOf(interval) };
}

function pValueOf({ mean, standardError, clusters }: Interval): number {
  if (clusters < 2) return 1;
  if (standardError === 0) return mean === 0 ? 1 : 0;
  return 2 * studentTCdf(-Math.abs(mean / standardError), clusters - 1);
}
