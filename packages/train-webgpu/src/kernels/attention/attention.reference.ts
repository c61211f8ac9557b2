export interface AttentionReferenceShape {
  heads: number;
  keyValueHeads: number;
  headDim: number;
  /** Query i sees keys j with i - window < j <= i. */
  window?: number;
  /** [S + 1] where each sequence starts. */
  sequenceOffsets: ArrayLike<number>;
}

/** Causal attention over a ragged stream in float64, by the definition: q, o [T, H, D]; k, v [T, K, D]; P kept per row. */
export function attentionReference(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  shape: AttentionReferenceShape,
): Float64Array {
  const { heads, headDim } = shape;
  const o = new Float64Array(q.length);
  forEachRow(q, k, shape, (h, kv, i, first, p) => {
    p.forEach((weight, offset) => {
      for (let d = 0; d < headDim; d++) o[(i * heads + h) * headDim + d]! += weight * v[kv(first + offset) + d]!;
    });
  });
  return o;
}

/** Gradients of q, k and v for the gradient of o, through the softmax's Jacobian. */
export function attentionGradientReference(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  dOut: ArrayLike<number>,
  shape: AttentionReferenceShape,
): { dq: Float64Array; dk: Float64Array; dv: Float64Array } {
  const { heads, headDim } = shape;
  const dq = new Float64Array(q.length);
  const dk = new Float64Array(k.length);
  const dv = new Float64Array(v.length);
  forEachRow(q, k, shape, (h, kv, i, first, p) => {
    const row = (i * heads + h) * headDim;
    const dp = p.map((_, offset) => {
      let sum = 0;
      for (let d = 0; d < headDim; d++) sum += dOut[row + d]! * v[kv(first + offset) + d]!;
      return sum;
    });
    const mean = p.reduce((sum, weight, offset) => sum + weight * dp[offset]!, 0);
    p.forEach((weight, offset) => {
      const at = kv(first + offset);
      const ds = (weight * (dp[offset]! - mean)) / Math.sqrt(headDim);
      for (let d = 0; d < headDim; d++) {
        dv[at + d]! += weight * dOut[row + d]!;
        dq[row + d]! += ds * k[at + d]!;
        dk[at + d]! += ds * q[row + d]!;
      }
    });
  });
  return { dq, dk, dv };
}

type RowVisit = (
  head: number,
  keyValueAt: (token: number) => number,
  row: number,
  firstKey: number,
  probabilities: number[],
) => void;

function forEachRow(q: ArrayLike<number>, k: ArrayLike<number>, shape: AttentionReferenceShape, visit: RowVisit): void {
  const { heads, keyValueHeads, headDim, window = Number.POSITIVE_INFINITY, sequenceOffsets } = shape;
  for (let s = 0; s + 1 < sequenceOffsets.length; s++) {
    for (let i = sequenceOffsets[s]!; i < sequenceOffsets[s + 1]!; i++) {
      for (let h = 0; h < heads; h++) {
        const kv = (token: number): number => (token * keyValueHeads + Math.floor((h * keyValueHeads) / heads)) * headDim;
        const first = Math.max(sequenceOffsets[s]!, i - window + 1);
        const scores: number[] = [];
        for (let j = first; j <= i; j++) {
          let score = 0;
          for (let d = 0; d < headDim; d++) score += q[(i * heads + h) * headDim + d]! * k[kv(j) + d]!;
          scores.push(score / Math.sqrt(headDim));
        }
        const max = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - max));
        const sum = weights.reduce((a, b) => a + b, 0);
        visit(
          h,
          kv,
          i,
          first,
          weights.map((weight) => weight / sum),
        );
      }
    }
  }
}
