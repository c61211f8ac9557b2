import { add, logSigmoid, mul, neg } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { chosenLogRatio, implicitRewards, rejectedLogRatio } from "./definition.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface NcaPairOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
}

/**
 * Noise contrastive alignment for pairs (Chen et al. 2024, arXiv 2402.05369, the pairwise NCA loss), with r = β h:
 * L = -log σ(r_w) - ½ log σ(-r_w) - ½ log σ(-r_l). It holds each reward down absolutely, not only their difference.
 *
 * @example
 * const { loss } = ncaPair({ beta: 0.01 })({ chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps });
 */
export function ncaPair(options: NcaPairOptions = {}): BuiltInPreferenceLoss {
  const { beta } = readOptions("nca_pair", options, { beta: betaOption });
  const chosenReward = mul(beta, chosenLogRatio);
  const rejectedReward = mul(beta, rejectedLogRatio);
  const pairwise = neg(
    add(logSigmoid(chosenReward), mul(0.5, logSigmoid(neg(chosenReward))), mul(0.5, logSigmoid(neg(rejectedReward)))),
  );
  return pairedLoss({ name: "nca_pair", pairwise, ...implicitRewards(beta) });
}
