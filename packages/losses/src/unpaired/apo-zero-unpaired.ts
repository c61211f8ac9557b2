import { ifPositive, mul, neg, sigmoid } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { UnpairedLoss } from "../types.ts";
import { label, logRatio } from "./definition.ts";
import { type KtoOptions, weightOption } from "./kto.ts";
import { unpairedLoss } from "./unpaired-loss.ts";

/** As for KTO. */
export type ApoZeroUnpairedOptions = KtoOptions;

/**
 * APO-zero on single completions (D'Oosterlinck et al. 2024, arXiv 2408.06266, Eq. 7 taken apart): 1 - σ(β h) if
 * desirable, σ(β h) if not, each with its weight. It is KTO without the KL estimate; `kl` is not read.
 *
 * @example
 * const { loss, grad } = apoZeroUnpaired({ beta: 0.1 })({ logps, refLogps, labels });
 */
export function apoZeroUnpaired(options: ApoZeroUnpairedOptions = {}): UnpairedLoss {
  const ranges = { beta: betaOption, desirableWeight: weightOption, undesirableWeight: weightOption };
  const { beta, desirableWeight, undesirableWeight } = readOptions("apo_zero_unpaired", options, ranges);
  const reward = mul(beta, logRatio);
  const loss = ifPositive(label, mul(desirableWeight, sigmoid(neg(reward))), mul(undesirableWeight, sigmoid(reward)));
  return unpairedLoss({ name: "apo_zero_unpaired", loss, reward });
}
