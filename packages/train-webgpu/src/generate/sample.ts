/** How a token is drawn from logits; the defaults are OpenAI's (temperature 1, the whole distribution). */
export interface SamplingOptions {
  /** 0 takes the most likely token. */
  temperature?: number;
  /** Only the likeliest tokens that together hold this much probability. */
  topP?: number;
  /** Only this many of the likeliest tokens; 0 means all. */
  topK?: number;
}

/**
 * Draws a token id from logits [V] with one uniform number in [0, 1), in float64: temperature, then top-k, then top-p, as transformers
 * orders them. Equal logits are ordered by id, so the result is a function of its inputs.
 */
export function sampleToken(
  logits: Float32Array,
  uniform: number,
  { temperature = 1, topP = 1, topK = 0 }: SamplingOptions = {},
): number {
  if (temperature < 1e-4) return argmax(logits);
  let ids = [...logits.keys()];
  if (topP < 1 || (topK > 0 && topK < logits.length)) {
    ids.sort((a, b) => logits[b]! - logits[a]! || a - b);
    if (topK > 0) ids = ids.slice(0, topK);
  }
  const largest = logits[argmax(logits)]!;
  let weights = ids.map((id) => Math.exp((logits[id]! - largest) / temperature));
  if (topP < 1) {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let mass = 0;
    const kept = weights.findIndex((weight) => {
      mass += weight / total;
      return mass >= topP;
    });
    if (kept >= 0) weights = weights.slice(0, kept + 1);
  }
  let left = uniform * weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i]!;
    if (left < 0) return ids[i]!;
  }
  return ids[weights.length - 1]!;
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
