import { add, mul, neg, sigmoid } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { chosenLogRatio, implicitRewards, rejectedLogRatio } from "./definition.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface ApoZeroOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
}

/**
 * Anchored preference optimization, zero (D'Oosterlinck et al. 2024, arXiv 2408.06266, Eq. 7):
 * L = 1 - σ(β h_w) + σ(β h_l). For chosen answers better than the model's own: raises them, lowers the rejected.
 *
 * @example
 * const { loss } = apoZero({ beta: 0.1 })({ chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps });
 */
export function apoZero(options: ApoZeroOptions = {}): BuiltInPreferenceLoss {
  const { beta } = readOptions("apo_zero", options, { beta: betaOption });
  // 1 - σ(x) = σ(-x), without cancellation.
  const pairwise = add(sigmoid(neg(mul(beta, chosenLogRatio))), sigmoid(mul(beta, rejectedLogRatio)));
  return pairedLoss({ name: "apo_zero", pairwise, ...implicitRewards(beta) });
}
