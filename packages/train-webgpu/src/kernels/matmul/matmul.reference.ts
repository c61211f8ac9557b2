import type { Layout } from "./broadcast.wgsl.ts";

/** C [m, n] = A B, A B^T or A^T B in float64, by the definition. */
export function matmulReference(
  layout: Layout,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  m: number,
  n: number,
  k: number,
): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let x = 0; x < k; x++) {
        c[i * n + j]! += (layout === "tn" ? a[x * m + i]! : a[i * k + x]!) * (layout === "nt" ? b[j * k + x]! : b[x * n + j]!);
      }
    }
  }
  return c;
}
