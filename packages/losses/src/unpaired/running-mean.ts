import type { RunningMean } from "../types.ts";

/**
 * The mean of everything in `running` and `values` together; `undefined` starts at nothing.
 *
 * @example
 * let running: RunningMean | undefined;
 * for (const batch of batches) running = updateRunningMean(running, rewardsOf(batch));
 */
export function updateRunningMean(running: RunningMean | undefined, values: Float64Array): RunningMean {
  const { mean, count } = running ?? { mean: 0, count: 0 };
  const total = count + values.length;
  const batchMean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean: mean + ((batchMean - mean) * values.length) / total, count: total };
}
