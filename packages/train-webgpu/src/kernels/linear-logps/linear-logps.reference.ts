/** What a labelled token's logits say: log-probability of the target, mean logit, entropy (nats), whether the target is the largest. */
export interface RowStats {
  logp: number;
  meanLogit: number;
  entropy: number;
  correct: number;
}

/** Log-probabilities of targets [N] under softmax(hidden[rows] W^T), in float64; hidden [T, C], W [V, C]. */
export function linearLogpsReference(
  hidden: ArrayLike<number>,
  weight: ArrayLike<number>,
  rows: ArrayLike<number>,
  targets: ArrayLike<number>,
  width: number,
): RowStats[] {
  return Array.from(rows, (row, n) => {
    const logits = logitsOf(hidden, weight, row, width);
    const max = Math.max(...logits);
    const partition = logits.reduce((sum, z) => sum + Math.exp(z - max), 0);
    const lse = max + Math.log(partition);
    return {
      logp: logits[targets[n]!]! - lse,
      meanLogit: logits.reduce((sum, z) => sum + z, 0) / logits.length,
      entropy: -logits.reduce((sum, z) => sum + Math.exp(z - lse) * (z - lse), 0),
      correct: logits.indexOf(max) === targets[n] ? 1 : 0,
    };
  });
}

/** Gradients of hidden [T, C] and W [V, C] for the gradient of each log-probability [N]. */
export function linearLogpsGradientReference(
  hidden: ArrayLike<number>,
  weight: ArrayLike<number>,
  rows: ArrayLike<number>,
  targets: ArrayLike<number>,
  dlogps: ArrayLike<number>,
  width: number,
): { dhidden: Float64Array; dweight: Float64Array } {
  const dhidden = new Float64Array(hidden.length);
  const dweight = new Float64Array(weight.length);
  Array.from(rows).forEach((row, n) => {
    const logits = logitsOf(hidden, weight, row, width);
    const max = Math.max(...logits);
    const partition = logits.reduce((sum, z) => sum + Math.exp(z - max), 0);
    logits.forEach((z, v) => {
      const dlogit = ((v === targets[n] ? 1 : 0) - Math.exp(z - max) / partition) * dlogps[n]!;
      for (let c = 0; c < width; c++) {
        dhidden[row * width + c]! += dlogit * weight[v * width + c]!;
        dweight[v * width + c]! += dlogit * hidden[row * width + c]!;
      }
    });
  });
  return { dhidden, dweight };
}

function logitsOf(hidden: ArrayLike<number>, weight: ArrayLike<number>, row: number, width: number): number[] {
  return Array.from({ length: weight.length / width }, (_, v) => {
    let z = 0;
    for (let c = 0; c < width; c++) z += hidden[row * width + c]! * weight[v * width + c]!;
    return z;
  });
}
