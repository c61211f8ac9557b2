import { ifPositive, mul, neg, option, relu, sigmoid, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { UnpairedLoss } from "../types.ts";
import { kl, label, logRatio } from "./definition.ts";
import { unpairedLoss } from "./unpaired-loss.ts";

export interface KtoOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
  /** λ_D, the weight of desirable completions; default 1. */
  readonly desirableWeight?: number | undefined;
  /** λ_U, the weight of undesirable completions; default 1. */
  readonly undesirableWeight?: number | undefined;
}

export const weightOption = { default: 1, from: 0 };

/**
 * Kahneman-Tversky optimization (Ethayarajh et al. 2024, arXiv 2402.01306, Eq. 7), with h = log π - log π_ref and z the
 * batch's `kl`, no less than 0 and held constant: λ_D (1 - σ(β (h - z))) if desirable, λ_U (1 - σ(β (z - h))) if not.
 *
 * Results are in the order of the input. Throws TypeError on a missing array or an unknown option, RangeError on a
 * non-finite entry or unequal lengths.
 *
 * @example
 * const { loss, grad } = kto({ beta: 0.1 })({ logps, refLogps, labels, kl: 2.1 });
 */
export function kto(options: KtoOptions = {}): UnpairedLoss {
  const ranges = { beta: betaOption, desirableWeight: weightOption, undesirableWeight: weightOption };
  const { beta, desirableWeight, undesirableWeight } = readOptions("kto", options, ranges);
  const advantage = mul(beta, sub(logRatio, relu(kl)));
  // 1 - σ(x) = σ(-x), without cancellation.
  const desirable = mul(desirableWeight, sigmoid(neg(advantage)));
  const undesirable = mul(undesirableWeight, sigmoid(advantage));
  const loss = ifPositive(label, desirable, undesirable);
  return unpairedLoss({ name: "kto", loss, reward: mul(beta, logRatio), klOption: option("kl", 0) });
}
