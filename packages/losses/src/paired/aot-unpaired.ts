import { add, logSigmoid, mul, neg, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions, smoothingOption } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { chosenLogRatio, firstQuantile, implicitRewards, rejectedLogRatio, secondQuantile } from "./definition.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface AotUnpairedOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
  /** ε, the probability that a label is flipped; default 0. */
  readonly labelSmoothing?: number | undefined;
}

/**
 * Alignment via optimal transport on two separate sets (Melnyk et al. 2024, arXiv 2406.05882, unpaired AOT): sorts the
 * log-ratios of the chosen and of the rejected answers by themselves and compares them quantile by quantile,
 * L_k = -(1 - ε) log σ(β d_k) - ε log σ(-β d_k), d_k = h_w,(k) - h_l,(k).
 *
 * `losses` are in order of rank; gradients and rewards in order of the batch. Larger batches estimate quantiles better.
 *
 * @example
 * const { loss } = aotUnpaired({ beta: 0.1 })({ chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps });
 */
export function aotUnpaired(options: AotUnpairedOptions = {}): BuiltInPreferenceLoss {
  const { beta, labelSmoothing } = readOptions("aot_unpaired", options, { beta: betaOption, labelSmoothing: smoothingOption });
  const margin = mul(beta, sub(firstQuantile, secondQuantile));
  const loss = neg(add(mul(sub(1, labelSmoothing), logSigmoid(margin)), mul(labelSmoothing, logSigmoid(neg(margin)))));
  const sorted = [{ first: chosenLogRatio, second: rejectedLogRatio, loss }];
  return pairedLoss({ name: "aot_unpaired", sorted, ...implicitRewards(beta) });
}
