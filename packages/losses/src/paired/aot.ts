import { add, logSigmoid, mul, neg, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions, smoothingOption } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { chosen, firstQuantile, implicitRewards, refChosen, refRejected, rejected, secondQuantile } from "./definition.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface AotOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
  /** ε, the probability that a label is flipped; default 0. */
  readonly labelSmoothing?: number | undefined;
}

/**
 * Alignment via optimal transport on pairs (Melnyk et al. 2024, arXiv 2406.05882, paired AOT): sorts the batch's
 * log π(y_w) - log π(y_l) and log π_ref(y_w) - log π_ref(y_l), and compares them quantile by quantile,
 * L_k = -(1 - ε) log σ(β d_k) - ε log σ(-β d_k), d_k = u_(k) - v_(k).
 *
 * `losses` are in order of rank; gradients and rewards in order of the batch. Larger batches estimate quantiles better.
 *
 * @example
 * const { loss } = aot({ beta: 0.1 })({ chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps });
 */
export function aot(options: AotOptions = {}): BuiltInPreferenceLoss {
  const { beta, labelSmoothing } = readOptions("aot", options, { beta: betaOption, labelSmoothing: smoothingOption });
  const margin = mul(beta, sub(firstQuantile, secondQuantile));
  const loss = neg(add(mul(sub(1, labelSmoothing), logSigmoid(margin)), mul(labelSmoothing, logSigmoid(neg(margin)))));
  const sorted = [{ first: sub(chosen, rejected), second: sub(refChosen, refRejected), loss }];
  return pairedLoss({ name: "aot", sorted, ...implicitRewards(beta) });
}
