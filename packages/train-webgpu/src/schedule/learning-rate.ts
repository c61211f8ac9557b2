import { SCHEDULES, type ScheduleName, type ScheduleOptions } from "./schedules.ts";

export interface LearningRateOptions {
  schedule: ScheduleName;
  /** The peak. */
  learningRate: number;
  /** Optimizer steps of the whole run. */
  totalSteps: number;
  warmupSteps: number;
  scheduleOptions?: ScheduleOptions;
}

/**
 * The learning rate that optimizer step `step` (0, 1, ...) uses. With a warmup the first step's is 0, as in transformers: the moments
 * move, the weights do not.
 *
 * Throws `RangeError` for an unknown schedule or options it cannot work with.
 *
 * @example learningRateAt(1, { schedule: "cosine", learningRate: 5e-7, totalSteps: 100, warmupSteps: 10 }) // 5e-8
 */
export function learningRateAt(
  step: number,
  { schedule, learningRate, totalSteps, warmupSteps, scheduleOptions = {} }: LearningRateOptions,
): number {
  if (!Object.hasOwn(SCHEDULES, schedule)) {
    throw new RangeError(`learningRateAt: schedule "${schedule}" is unknown; known are ${Object.keys(SCHEDULES).join(", ")}`);
  }
  return (
    learningRate * SCHEDULES[schedule]({ step, warmup: warmupSteps, total: totalSteps, peak: learningRate }, scheduleOptions)
  );
}

/**
 * Warmup in optimizer steps: a whole number as it is, a fraction of the run (a ratio, or TRL's `warmup_steps` below 1) rounded up.
 *
 * Throws `RangeError` for a negative number, a broken number of steps, a ratio above 1, or both kinds given.
 *
 * @example resolveWarmupSteps(25, { warmupRatio: 0.1 }) // 3
 */
export function resolveWarmupSteps(
  totalSteps: number,
  { warmupSteps = 0, warmupRatio = 0 }: { warmupSteps?: number; warmupRatio?: number },
): number {
  if (warmupSteps !== 0 && warmupRatio !== 0) {
    throw new RangeError(
      `resolveWarmupSteps: warmupSteps ${warmupSteps} and warmupRatio ${warmupRatio} are both given; give one`,
    );
  }
  if (!(warmupRatio >= 0 && warmupRatio <= 1)) {
    throw new RangeError(`resolveWarmupSteps: warmupRatio is ${warmupRatio}; give a fraction from 0 to 1`);
  }
  if (!(warmupSteps >= 0) || (warmupSteps > 1 && !Number.isInteger(warmupSteps))) {
    throw new RangeError(`resolveWarmupSteps: warmupSteps is ${warmupSteps}; give a whole number of steps or a fraction below 1`);
  }
  return warmupSteps >= 1 ? warmupSteps : Math.ceil(totalSteps * (warmupRatio || warmupSteps));
}
