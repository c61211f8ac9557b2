import { ifPositive, logSigmoid, mul, neg, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { UnpairedLoss } from "../types.ts";
import { delta, label, logRatio } from "./definition.ts";
import { unpairedLoss } from "./unpaired-loss.ts";

export interface BcoOptions {
  /** Strength of the KL term; default 0.1. */
  readonly beta?: number | undefined;
}

/**
 * Binary classifier optimization (Jung et al. 2024, arXiv 2404.04656), with r = β (log π - log π_ref) and the reward
 * shift δ, held constant: -log σ(r - δ) if desirable, -log σ(-(r - δ)) if not.
 *
 * δ is the running mean of all rewards, this batch included. The state is yours: pass the `running` that the last batch
 * returned. A given `delta` is used as it is, for evaluation.
 *
 * @example
 * const { loss, grad, running } = bco({ beta: 0.1 })({ logps, refLogps, labels, running: previous });
 */
export function bco(options: BcoOptions = {}): UnpairedLoss {
  const { beta } = readOptions("bco", options, { beta: betaOption });
  const reward = mul(beta, logRatio);
  const shifted = sub(reward, delta);
  const loss = ifPositive(label, neg(logSigmoid(shifted)), neg(logSigmoid(neg(shifted))));
  return unpairedLoss({ name: "bco", loss, reward, shiftsByRunningMean: true });
}
