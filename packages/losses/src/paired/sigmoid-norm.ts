import { div, logSigmoid, mul, neg, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { chosenLength, implicitRewards, rejectedLength } from "./definition.ts";
import { type DivergenceOptions, divergenceOptionNames, divergenceScores } from "./f-divergence.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface SigmoidNormOptions extends DivergenceOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
}

/**
 * Length-normalized DPO, TRL's `sigmoid_norm` (Tülu 3, arXiv 2411.15124; SimPO, arXiv 2405.14734, ablates it):
 * L = -log σ(β (h_w / |y_w| - h_l / |y_l|)).
 *
 * @example
 * const { loss } = sigmoidNorm({ beta: 5 })({ ...logps, chosenLengths, rejectedLengths });
 */
export function sigmoidNorm(options: SigmoidNormOptions = {}): BuiltInPreferenceLoss {
  const { beta } = readOptions("sigmoid_norm", options, { beta: betaOption }, divergenceOptionNames);
  const { chosenScore, rejectedScore } = divergenceScores("sigmoid_norm", options);
  const margin = sub(div(chosenScore, chosenLength), div(rejectedScore, rejectedLength));
  const pairwise = neg(logSigmoid(mul(beta, margin)));
  return pairedLoss({ name: "sigmoid_norm", pairwise, ...implicitRewards(beta) });
}
