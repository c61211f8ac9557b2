/** A run's loss above this many times its first one (or this many, where that was below 1) has exploded. */
const FACTOR = 20;

export interface StepToJudge {
  step: number;
  loss: number;
  /** The loss of the run's first step. */
  firstLoss: number;
  /** `--loss-limit`; undefined: the usual one; 0: none. */
  limit: number | undefined;
  /** Names of the step's rows. */
  rows: readonly string[];
}

/**
 * Throws `ERR_DIVERGED` where a loss has exploded, naming the step and its rows. (One that is NaN or infinite ends a run in the trainer
 * itself.)
 */
export function refuseExplodedLoss({ step, loss, firstLoss, limit, rows }: StepToJudge): void {
  const highest = limit ?? FACTOR * Math.max(1, Math.abs(firstLoss));
  if (highest === 0 || !(loss > highest)) return;
  const named = rows.length > 8 ? `${rows.slice(0, 8).join(", ")} and ${rows.length - 8} more` : rows.join(", ");
  throw Object.assign(
    new RangeError(
      `train: step ${step} has loss ${loss.toPrecision(6)}, the first step had ${firstLoss.toPrecision(6)}; the step's rows are ${named}; lower --learning-rate, look at these rows, or raise --loss-limit (now ${highest.toPrecision(4)}; 0: none)`,
    ),
    { code: "ERR_DIVERGED", step, rowIds: [...rows] },
  );
}
