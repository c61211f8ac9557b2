import { add, div, square, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { chosenLogRatio, implicitRewards, rejectedLogRatio } from "./definition.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface SppoHardOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
}

/**
 * Self-play preference optimization with hard labels (Wu et al. 2024, arXiv 2405.00675, Eq. 4.7 with P = 1 for the winner
 * and 0 for the loser): L = (h_w - 1 / (2β))² + (h_l + 1 / (2β))².
 *
 * @example
 * const { loss } = sppoHard({ beta: 0.1 })({ chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps });
 */
export function sppoHard(options: SppoHardOptions = {}): BuiltInPreferenceLoss {
  const { beta } = readOptions("sppo_hard", options, { beta: betaOption });
  const target = div(0.5, beta);
  const pairwise = add(square(sub(chosenLogRatio, target)), square(add(rejectedLogRatio, target)));
  return pairedLoss({ name: "sppo_hard", pairwise, ...implicitRewards(beta) });
}
