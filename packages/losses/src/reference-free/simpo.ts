import type { BuiltInPreferenceLoss } from "../types.ts";
import { averageLogpLoss } from "./average-logp.ts";

export interface SimpoOptions {
  /** Scale of the average log-probability; default 2 (the paper's range is 2 to 10; TRL's `beta` default is 0.1). */
  readonly beta?: number | undefined;
  /** γ, the margin that the chosen reward must have; default 0.5. */
  readonly simpoGamma?: number | undefined;
  /** ε, the probability that a label is flipped; default 0. */
  readonly labelSmoothing?: number | undefined;
  /** Weight of the supervised term; default 0, as in the paper (TRL's `cpo_alpha` default is 1). */
  readonly cpoAlpha?: number | undefined;
  /** α of AlphaPO; default 0, which is SimPO. */
  readonly alpha?: number | undefined;
}

/**
 * SimPO (Meng et al. 2024, arXiv 2405.14734, Eq. 6): the reward is the average log-probability of a token,
 * L = -log σ(β (log π(y_w) / |y_w| - log π(y_l) / |y_l|) - γ). No reference model.
 *
 * Needs both lengths; gradients are wrt the sums.
 *
 * @example
 * const { loss } = simpo({ beta: 2, simpoGamma: 1 })({ chosenLogps, rejectedLogps, chosenLengths, rejectedLengths });
 */
export function simpo(options: SimpoOptions = {}): BuiltInPreferenceLoss {
  return averageLogpLoss("simpo", options, 0);
}
