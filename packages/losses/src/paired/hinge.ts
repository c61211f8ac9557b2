import { mul, relu, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { implicitRewards } from "./definition.ts";
import { type DivergenceOptions, divergenceOptionNames, divergenceScores } from "./f-divergence.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface HingeOptions extends DivergenceOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
}

/**
 * Hinge loss on the normalized likelihood, TRL's `hinge` (SLiC-HF, arXiv 2305.10425, Section 2, in the reference-normalized
 * form of RSO, arXiv 2309.06657): L = max(0, 1 - β (h_w - h_l)); 1/β is the margin.
 *
 * The derivative at the kink is 0.
 *
 * @example
 * const { loss } = hinge({ beta: 0.1 })({ chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps });
 */
export function hinge(options: HingeOptions = {}): BuiltInPreferenceLoss {
  const { beta } = readOptions("hinge", options, { beta: betaOption }, divergenceOptionNames);
  const { chosenScore, rejectedScore } = divergenceScores("hinge", options);
  const pairwise = relu(sub(1, mul(beta, sub(chosenScore, rejectedScore))));
  return pairedLoss({ name: "hinge", pairwise, ...implicitRewards(beta) });
}
