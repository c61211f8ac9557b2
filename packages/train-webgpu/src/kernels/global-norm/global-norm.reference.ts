/** Global L2 norm of several gradients, and the factor that clips it, as torch.nn.utils.clip_grad_norm_ computes it. */
export function globalNormReference(gradients: ArrayLike<number>[], maxNorm: number): { norm: number; clip: number } {
  let squares = 0;
  for (const gradient of gradients) for (let i = 0; i < gradient.length; i++) squares += gradient[i]! ** 2;
  const norm = Math.sqrt(squares);
  return { norm, clip: maxNorm > 0 ? Math.min(1, maxNorm / (norm + 1e-6)) : 1 };
}
