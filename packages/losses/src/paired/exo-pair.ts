import { add, logSigmoid, mul, neg, option, sigmoid, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { implicitRewards } from "./definition.ts";
import { type DivergenceOptions, divergenceOptionNames, divergenceScores } from "./f-divergence.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface ExoPairOptions extends DivergenceOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
  /** ε, the probability that the label is wrong; default 1e-3. */
  readonly labelSmoothing?: number | undefined;
}

/**
 * EXO for pairs (Ji et al. 2024, arXiv 2402.00856, Eq. 16): the KL divergence from q = σ(β (h_w - h_l)) to the labels
 * (1 - ε, ε), L = q (log q - log(1 - ε)) + (1 - q) (log(1 - q) - log ε).
 *
 * `labelSmoothing` is ε and must lie above 0; the default is the paper's 1e-3 (TRL has no working default).
 *
 * @example
 * const { loss } = exoPair({ beta: 0.1, labelSmoothing: 1e-3 })({ chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps });
 */
export function exoPair(options: ExoPairOptions = {}): BuiltInPreferenceLoss {
  const { beta, labelSmoothing } = readOptions(
    "exo_pair",
    options,
    { beta: betaOption, labelSmoothing: { default: 1e-3, above: 0, below: 1 } },
    divergenceOptionNames,
  );
  const { chosenScore, rejectedScore } = divergenceScores("exo_pair", options);
  const margin = mul(beta, sub(chosenScore, rejectedScore));
  const lost = neg(margin);
  // TRL takes these two logarithms in float32; we round as it does, so that float64 runs agree to the last digits.
  const epsilon = Math.fround(labelSmoothing.value);
  const logKept = option("log(1 - labelSmoothing)", Math.fround(Math.log1p(-epsilon)));
  const logFlipped = option("log(labelSmoothing)", Math.fround(Math.log(epsilon)));
  const pairwise = add(
    mul(sigmoid(margin), sub(logSigmoid(margin), logKept)),
    mul(sigmoid(lost), sub(logSigmoid(lost), logFlipped)),
  );
  return pairedLoss({ name: "exo_pair", pairwise, ...implicitRewards(beta) });
}
