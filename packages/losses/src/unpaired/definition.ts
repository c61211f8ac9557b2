import { type Expression, input, type OptionExpression, sub } from "../arithmetic/expression.ts";

/** The inputs of an unpaired equation; `logp` is the variable. `label` is 1 for a desirable completion, else 0. */
export const logp = input("logp");
export const refLogp = input("ref_logp");
export const label = input("label");
/** One number per batch: KTO's KL estimate, BCO's reward shift. */
export const kl = input("kl");
export const delta = input("delta");

/** log π(y | x) - log π_ref(y | x). */
export const logRatio = sub(logp, refLogp);

/** An unpaired loss as equations. */
export interface UnpairedDefinition {
  readonly name: string;
  /** Loss of one completion. */
  readonly loss: Expression;
  readonly reward: Expression;
  /** KTO: the slot that brings the batch's KL estimate to the device. */
  readonly klOption?: OptionExpression;
  /** BCO: `delta` is the running mean of all rewards, this batch included. */
  readonly shiftsByRunningMean?: boolean;
}
