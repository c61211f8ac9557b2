import { add, logSigmoid, mul, neg } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { chosenLogRatio, implicitRewards, rejectedLogRatio } from "./definition.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface BcoPairOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
}

/**
 * Binary classifier optimization on pairs, TRL's `bco_pair` (Jung et al. 2024, arXiv 2404.04656, without the reward shift):
 * L = -log σ(β h_w) - log σ(-β h_l). The shifted, unpaired form is `bco`.
 *
 * @example
 * const { loss } = bcoPair({ beta: 0.1 })({ chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps });
 */
export function bcoPair(options: BcoPairOptions = {}): BuiltInPreferenceLoss {
  const { beta } = readOptions("bco_pair", options, { beta: betaOption });
  const pairwise = neg(add(logSigmoid(mul(beta, chosenLogRatio)), logSigmoid(neg(mul(beta, rejectedLogRatio)))));
  return pairedLoss({ name: "bco_pair", pairwise, ...implicitRewards(beta) });
}
