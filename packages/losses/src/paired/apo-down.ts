import { add, mul, neg, sigmoid, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { chosenLogRatio, implicitRewards, rejectedLogRatio } from "./definition.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface ApoDownOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
}

/**
 * Anchored preference optimization, down (D'Oosterlinck et al. 2024, arXiv 2408.06266, Eq. 8):
 * L = σ(β h_w) + 1 - σ(β (h_w - h_l)). For chosen answers worse than the model's own: lowers both, the rejected more.
 *
 * @example
 * const { loss } = apoDown({ beta: 0.1 })({ chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps });
 */
export function apoDown(options: ApoDownOptions = {}): BuiltInPreferenceLoss {
  const { beta } = readOptions("apo_down", options, { beta: betaOption });
  const margin = mul(beta, sub(chosenLogRatio, rejectedLogRatio));
  const pairwise = add(sigmoid(mul(beta, chosenLogRatio)), sigmoid(neg(margin)));
  return pairedLoss({ name: "apo_down", pairwise, ...implicitRewards(beta) });
}
