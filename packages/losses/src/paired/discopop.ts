import { add, div, exp, logSigmoid, mul, neg, sigmoid, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { implicitRewards } from "./definition.ts";
import { type DivergenceOptions, divergenceOptionNames, divergenceScores } from "./f-divergence.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface DiscopopOptions extends DivergenceOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
  /** τ, how sharply the loss changes from logistic to exponential around margin 0; default 0.05. */
  readonly discopopTau?: number | undefined;
}

/**
 * DiscoPOP, the log-ratio modulated loss (Lu et al. 2024, arXiv 2406.08414, Eq. 5), with m = β (h_w - h_l):
 * L = -(1 - σ(m/τ)) log σ(m) + σ(m/τ) e^-m.
 *
 * The second product is taken as e^(log σ(m/τ) - m), which stays finite where its factors are 0 and infinity.
 *
 * @example
 * const { loss } = discopop({ beta: 0.05, discopopTau: 0.05 })({ chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps });
 */
export function discopop(options: DiscopopOptions = {}): BuiltInPreferenceLoss {
  const { beta, discopopTau } = readOptions(
    "discopop",
    options,
    { beta: betaOption, discopopTau: { default: 0.05, above: 0 } },
    divergenceOptionNames,
  );
  const { chosenScore, rejectedScore } = divergenceScores("discopop", options);
  const margin = mul(beta, sub(chosenScore, rejectedScore));
  const modulation = div(margin, discopopTau);
  const logistic = mul(sigmoid(neg(modulation)), neg(logSigmoid(margin)));
  const exponential = exp(sub(logSigmoid(modulation), margin));
  const pairwise = add(logistic, exponential);
  return pairedLoss({ name: "discopop", pairwise, ...implicitRewards(beta) });
}
