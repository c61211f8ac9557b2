import { groupBy } from "../group-by.ts";
import { type Cluster, clusteredInterval, meanInterval, rateInterval } from "../statistics/interval.ts";
import { type Calibration, calibration } from "./calibration.ts";

/** A held-out pair with the rewards a model gives it: beta (log pi - log ref) for DPO, in nats times beta. */
export interface RewardedPair {
  chosen_reward: number;
  rejected_reward: number;
  prompt_id?: string;
  source?: string;
  /** Lengths of the two completions, in tokens or code points, the same unit for all rows. */
  chosen_length?: number;
  rejected_length?: number;
}

/** Accuracy and margin on the pairs of one source, or of one length. */
export interface PairGroup {
  name: string;
  n: number;
  accuracy: number;
  accuracy_ci: [number, number];
  margin: number;
  margin_ci: [number, number] | null;
}

/** Accuracy, margin and calibration of a model's rewards on held-out pairs. */
export interface PreferenceAccuracy extends PairGroup {
  /** Pairs with equal rewards; they count as wrong, as in TRL. */
  ties: number;
  "rewards/chosen": number;
  "rewards/rejected": number;
  calibration: Calibration;
  by_source: PairGroup[];
  by_length: PairGroup[];
  /** Accuracy of the rule "the longer answer is better" on the same pairs, ties left out; null without lengths. */
  longer_is_better: number | null;
}

/**
 * How often, and by how much, a reward ranks the chosen answer above the rejected one on held-out pairs, with 95%
 * intervals clustered by prompt, calibration of sigmoid(margin), and the same by source and by which answer is longer.
 * Throws a RangeError on no rows or a reward that is not finite.
 *
 * @example
 * preferenceAccuracy([{ chosen_reward: 0.4, rejected_reward: -0.1 }, { chosen_reward: 0, rejected_reward: 0.2 }]).accuracy; // 0.5
 */
export function preferenceAccuracy(rows: readonly RewardedPair[]): PreferenceAccuracy {
  if (rows.length === 0) throw new RangeError("preferenceAccuracy: there are no pairs; give at least one");
  rows.forEach((row, i) => {
    for (const key of ["chosen_reward", "rejected_reward"] as const)
      if (!Number.isFinite(row[key]))
        throw new RangeError(`preferenceAccuracy: row ${i} has ${key} ${row[key]}; it must be a finite number`);
  });
  const margins = rows.map(marginOf);
  const measured = rows.filter((row) => row.chosen_length !== undefined && row.rejected_length !== undefined);
  return {
    ...group("all", rows),
    ties: margins.filter((margin) => margin === 0).length,
    "rewards/chosen": meanInterval(rows.map((row) => row.chosen_reward)).mean,
    "rewards/rejected": meanInterval(rows.map((row) => row.rejected_reward)).mean,
    calibration: calibration(margins),
    by_source: groupsBy(
      rows.filter((row) => row.source !== undefined),
      (row) => row.source!,
    ),
    by_length: groupsBy(measured, lengthClass),
    longer_is_better: longerIsBetter(measured),
  };
}

const marginOf = (row: RewardedPair) => row.chosen_reward - row.rejected_reward;

function lengthClass(row: RewardedPair): string {
  const difference = row.chosen_length! - row.rejected_length!;
  return difference > 0 ? "chosen is longer" : difference < 0 ? "chosen is shorter" : "same length";
}

function longerIsBetter(rows: readonly RewardedPair[]): number | null {
  const unequal = rows.filter((row) => row.chosen_length !== row.rejected_length);
  return unequal.length === 0 ? null : unequal.filter((row) => row.chosen_length! > row.rejected_length!).length / unequal.length;
}

function groupsBy(rows: readonly RewardedPair[], keyOf: (row: RewardedPair) => string): PairGroup[] {
  return [...groupBy(rows, keyOf)].sort(([x], [y]) => (x < y ? -1 : 1)).map(([name, members]) => group(name, members));
}

function group(name: string, rows: readonly RewardedPair[]): PairGroup {
  // A row without prompt_id is its own cluster.
  const clusters: Cluster[] = rows.map((row, i) => row.prompt_id ?? i);
  const accuracy = rateInterval(
    rows.map((row) => (marginOf(row) > 0 ? 1 : 0)),
    clusters,
  );
  const margin = clusteredInterval(rows.map(marginOf), clusters);
  return {
    name,
    n: rows.length,
    accuracy: accuracy.mean,
    accuracy_ci: [accuracy.lo, accuracy.hi],
    margin: margin.mean,
    margin_ci: Number.isFinite(margin.lo) ? [margin.lo, margin.hi] : null,
  };
}
