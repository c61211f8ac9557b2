import { logSigmoid, mul, neg, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions, smoothingOption } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { implicitRewards } from "./definition.ts";
import { type DivergenceOptions, divergenceOptionNames, divergenceScores } from "./f-divergence.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface DpoOptions extends DivergenceOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
  /** Accepted and without effect, as in TRL 1.13; `conservativeDpo` and `robust` are the losses that use it. */
  readonly labelSmoothing?: number | undefined;
}

/**
 * Direct preference optimization, TRL's `sigmoid` (Rafailov et al. 2023, arXiv 2305.18290, Eq. 7):
 * L = -log σ(β (h_w - h_l)), h = log π(y|x) - log π_ref(y|x).
 *
 * Inputs [B] in nats. With equal policy and reference the loss is log 2 and all rewards are 0. Throws TypeError on a
 * missing array or an unknown option, RangeError on a non-finite entry or unequal lengths.
 *
 * @example
 * const { loss, chosenGrad } = dpo({ beta: 0.1 })({ chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps });
 */
export function dpo(options: DpoOptions = {}): BuiltInPreferenceLoss {
  const { beta } = readOptions("sigmoid", options, { beta: betaOption, labelSmoothing: smoothingOption }, divergenceOptionNames);
  const { chosenScore, rejectedScore } = divergenceScores("sigmoid", options);
  const pairwise = neg(logSigmoid(mul(beta, sub(chosenScore, rejectedScore))));
  return pairedLoss({ name: "sigmoid", pairwise, ...implicitRewards(beta) });
}
