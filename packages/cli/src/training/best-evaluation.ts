import type { LogEntry } from "@zephyr/train-webgpu";

export interface BestEvaluationOptions {
  /** The metric of the evaluations' lines, such as `eval_loss`. */
  metric: string;
  greaterIsBetter: boolean;
  /** Evaluations without an improvement after which the run ends; undefined: never. */
  patience: number | undefined;
  /** By how much an evaluation must be better than the best one to be an improvement. */
  threshold: number;
}

/** The best evaluation so far, and whether it is long enough ago to stop. */
export interface BestEvaluation {
  step: number;
  value: number;
  /** Evaluations in a row that were no improvement. */
  waited: number;
}

/**
 * What the evaluations of a log come to, by the rules of transformers' Trainer and its EarlyStoppingCallback: the best is strictly
 * better than all before it; an evaluation that does not beat the best one before it by more than the threshold is waited over.
 * A function of the log alone, so a resumed run decides as one that was never stopped.
 *
 * Throws `RangeError` where an evaluation lacks the metric, naming those it has.
 */
export function bestEvaluation(log: readonly LogEntry[], options: BestEvaluationOptions): BestEvaluation | undefined {
  const { metric, greaterIsBetter, threshold } = options;
  let best: BestEvaluation | undefined;
  for (const line of log) {
    if (!isEvaluation(line)) continue;
    const value = line[metric];
    if (typeof value !== "number") {
      const present = Object.keys(line).filter((name) => name.startsWith("eval_"));
      throw new RangeError(`--metric-for-best-model ${metric} is not measured; there are ${present.join(", ")}`);
    }
    const gain = best === undefined ? Number.POSITIVE_INFINITY : greaterIsBetter ? value - best.value : best.value - value;
    const waited = gain > threshold ? 0 : best!.waited + 1;
    best = gain > 0 ? { step: line.step, value, waited } : { ...best!, waited };
  }
  return best;
}

/** Whether a line of the log is an evaluation's. */
export const isEvaluation = (line: LogEntry): boolean => Object.keys(line).some((name) => name.startsWith("eval_"));

/** Whether the run has waited long enough. */
export function isOver(best: BestEvaluation | undefined, { patience }: BestEvaluationOptions): boolean {
  return best !== undefined && patience !== undefined && best.waited >= patience;
}

/** The metric as the log spells it, and the direction that its name says, as in transformers: less is better for a loss. */
export function metricNamed(given: string): { metric: string; greaterIsBetter: boolean } {
  return { metric: given.startsWith("eval_") ? given : `eval_${given}`, greaterIsBetter: !given.endsWith("loss") };
}
