/** How a token is drawn from logits; the defaults are OpenAI's (temperature 1, the whole distribution). */
export interface SamplingOptions {
  /** 0 takes the most likely token. */
  temperature?: number;
  /** Only the likeliest tokens that together hold this much probability. */
  topP?: number;
  /** Only this many of the likeliest tokens, and those that equal the last of them; 0 means all. */
  topK?: number;
}

/** Below this a softmax is one-hot in float64 for any logits that differ; dividing by it would only overflow. */
const COLDEST = 1e-4;

/**
 * Draws a token id from logits [V] with one uniform number in [0, 1), in float64: temperature, then top-k, then top-p, as transformers
 * orders them. A logit of -Infinity is never drawn.
 *
 * Throws `RangeError` with code `ERR_NON_FINITE` for NaN, and where no token is left to draw.
 *
 * @example sampleToken(Float32Array.of(0, Math.log(3)), 0.5) // 1: its probability is 3/4, the interval [1/4, 1)
 */
export function sampleToken(
  logits: Float32Array,
  uniform: number,
  { temperature = 1, topP = 1, topK = 0 }: SamplingOptions = {},
): number {
  const largest = maximum(logits);
  if (temperature < COLDEST) return logits.indexOf(largest);
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  if (topK > 0 && topK < weights.length) keepTopK(weights, topK);
  if (topP < 1) keepTopP(weights, topP);
  let left = uniform * sum(weights);
  let last = 0;
  for (let id = 0; id < weights.length; id++) {
    if (weights[id] === 0) continue;
    last = id;
    left -= weights[id]!;
    if (left < 0) break;
  }
  return last;
}

/** The largest logit; NaN anywhere, or nothing but -Infinity, is an error. */
export function maximum(logits: Float32Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  let isNumber = true;
  for (const logit of logits) {
    if (logit > largest) largest = logit;
    else if (Number.isNaN(logit)) isNumber = false;
  }
  if (isNumber && Number.isFinite(largest)) return largest;
  throw Object.assign(
    new RangeError("sampleToken: the logits hold NaN or no finite number; the model's weights or its adapter are broken"),
    { code: "ERR_NON_FINITE" },
  );
}

/** Leaves the k largest weights, and those that equal the smallest of them, as transformers' TopKLogitsWarper does. */
function keepTopK(weights: Float64Array, k: number): void {
  const rising = weights.slice().sort();
  const edge = rising[rising.length - k]!;
  for (let id = 0; id < weights.length; id++) if (weights[id]! < edge) weights[id] = 0;
}

/** Leaves the fewest of the largest weights that sum to `p` of the whole; of equal ones at the edge, those of lower ids. */
function keepTopP(weights: Float64Array, p: number): void {
  const rising = weights.slice().sort();
  const wanted = p * sum(rising);
  let kept = 0;
  for (let mass = 0; mass < wanted && kept < rising.length; kept++) mass += rising[rising.length - 1 - kept]!;
  const edge = rising[rising.length - kept]!;
  let atEdge = kept - rising.filter((weight) => weight > edge).length;
  for (let id = 0; id < weights.length; id++) {
    if (weights[id] === edge && atEdge > 0) atEdge--;
    else if (weights[id]! <= edge) weights[id] = 0;
  }
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
