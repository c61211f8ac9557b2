import { add, logSigmoid, mul, neg, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions, smoothingOption } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { implicitRewards } from "./definition.ts";
import { type DivergenceOptions, divergenceOptionNames, divergenceScores } from "./f-divergence.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface ConservativeDpoOptions extends DivergenceOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
  /** ε, the probability that a label is flipped; default 0, which is plain DPO. */
  readonly labelSmoothing?: number | undefined;
}

/**
 * Conservative DPO (Mitchell 2023, "A note on DPO with noisy preferences and relationship to IPO", not on arXiv;
 * discussed in arXiv 2403.00409): L = -(1 - ε) log σ(m) - ε log σ(-m), m = β (h_w - h_l).
 *
 * This is what label smoothing meant for DPO before TRL dropped it. Its optimum is a finite margin, log((1 - ε) / ε).
 *
 * @example
 * const { loss } = conservativeDpo({ beta: 0.1, labelSmoothing: 0.1 })({ chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps });
 */
export function conservativeDpo(options: ConservativeDpoOptions = {}): BuiltInPreferenceLoss {
  const { beta, labelSmoothing } = readOptions(
    "conservative_dpo",
    options,
    { beta: betaOption, labelSmoothing: smoothingOption },
    divergenceOptionNames,
  );
  const { chosenScore, rejectedScore } = divergenceScores("conservative_dpo", options);
  const margin = mul(beta, sub(chosenScore, rejectedScore));
  const trusted = mul(sub(1, labelSmoothing), logSigmoid(margin));
  const flipped = mul(labelSmoothing, logSigmoid(neg(margin)));
  const pairwise = neg(add(trusted, flipped));
  return pairedLoss({ name: "conservative_dpo", pairwise, ...implicitRewards(beta) });
}
