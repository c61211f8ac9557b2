export interface AdamwHyperparameters {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
}

/** One AdamW step in float64, in place; `step` counts from 1. */
export function adamwReference(
  p: Float64Array,
  g: ArrayLike<number>,
  m: Float64Array,
  v: Float64Array,
  step: number,
  h: AdamwHyperparameters,
): void {
  for (let i = 0; i < p.length; i++) {
    m[i] = h.beta1 * m[i]! + (1 - h.beta1) * g[i]!;
    v[i] = h.beta2 * v[i]! + (1 - h.beta2) * g[i]! ** 2;
    const mHat = m[i]! / (1 - h.beta1 ** step);
    const vHat = v[i]! / (1 - h.beta2 ** step);
    p[i] = p[i]! - h.learningRate * h.weightDecay * p[i]! - (h.learningRate * mHat) / (Math.sqrt(vHat) + h.epsilon);
  }
}
