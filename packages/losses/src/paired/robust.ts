import { div, logSigmoid, mul, neg, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { implicitRewards } from "./definition.ts";
import { type DivergenceOptions, divergenceOptionNames, divergenceScores } from "./f-divergence.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface RobustOptions extends DivergenceOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
  /** ε, the probability that a label is flipped; default 0. */
  readonly labelSmoothing?: number | undefined;
}

/**
 * Robust DPO (Ray Chowdhury et al. 2024, arXiv 2403.00409): unbiased when a fraction ε of the labels is flipped,
 * L = (-(1 - ε) log σ(m) + ε log σ(-m)) / (1 - 2ε), m = β (h_w - h_l).
 *
 * `labelSmoothing` is ε, from 0 to below ½; 0 is plain DPO. Unlike most losses it can be negative.
 *
 * @example
 * const { loss } = robust({ beta: 0.1, labelSmoothing: 0.1 })({ chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps });
 */
export function robust(options: RobustOptions = {}): BuiltInPreferenceLoss {
  const { beta, labelSmoothing } = readOptions(
    "robust",
    options,
    { beta: betaOption, labelSmoothing: { default: 0, from: 0, below: 0.5 } },
    divergenceOptionNames,
  );
  const { chosenScore, rejectedScore } = divergenceScores("robust", options);
  const margin = mul(beta, sub(chosenScore, rejectedScore));
  const clean = mul(sub(1, labelSmoothing), neg(logSigmoid(margin)));
  const flipped = mul(labelSmoothing, neg(logSigmoid(neg(margin))));
  const pairwise = div(sub(clean, flipped), sub(1, mul(2, labelSmoothing)));
  return pairedLoss({ name: "robust", pairwise, ...implicitRewards(beta) });
}
