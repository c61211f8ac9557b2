import { div, mul, square, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { chosenLength, implicitRewards, rejectedLength } from "./definition.ts";
import { type DivergenceOptions, divergenceOptionNames, divergenceScores } from "./f-divergence.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface IpoOptions extends DivergenceOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
}

/**
 * Identity preference optimization (Azar et al. 2023, arXiv 2310.12036, Eq. 17, β being the paper's τ):
 * L = (h_w / |y_w| - h_l / |y_l| - 1 / (2β))².
 *
 * Each log-ratio is averaged over its completion's tokens, as TRL does on the authors' advice; so it needs the lengths.
 *
 * @example
 * const { loss } = ipo({ beta: 0.1 })({ ...logps, chosenLengths, rejectedLengths });
 */
export function ipo(options: IpoOptions = {}): BuiltInPreferenceLoss {
  const { beta } = readOptions("ipo", options, { beta: betaOption }, divergenceOptionNames);
  const { chosenScore, rejectedScore } = divergenceScores("ipo", options);
  const margin = sub(div(chosenScore, chosenLength), div(rejectedScore, rejectedLength));
  const pairwise = square(sub(margin, div(1, mul(2, beta))));
  return pairedLoss({ name: "ipo", pairwise, ...implicitRewards(beta) });
}
