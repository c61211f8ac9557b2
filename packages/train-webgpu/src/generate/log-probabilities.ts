import { maximum } from "./sample.ts";

/** A token and its log-probability under the model, in nats. */
export interface TokenLogp {
  id: number;
  logp: number;
}

/** log(sum(exp(logits))), in float64. */
export function logSumExp(logits: Float32Array): number {
  const largest = maximum(logits);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}

/**
 * The `count` likeliest tokens of logits [V], the likeliest first; of equal ones the lower id first.
 *
 * @example topTokens(Float32Array.of(0, 0, 0, 0), 1) // [{ id: 0, logp: -1.386... }]
 */
export function topTokens(logits: Float32Array, count: number): TokenLogp[] {
  const total = logSumExp(logits);
  const best: number[] = [];
  for (let id = 0; id < logits.length && count > 0; id++) {
    if (best.length === count && !(logits[id]! > logits[best.at(-1)!]!)) continue;
    const place = best.findIndex((other) => logits[id]! > logits[other]!);
    best.splice(place < 0 ? best.length : place, 0, id);
    if (best.length > count) best.pop();
  }
  return best.map((id) => ({ id, logp: logits[id]! - total }));
}
