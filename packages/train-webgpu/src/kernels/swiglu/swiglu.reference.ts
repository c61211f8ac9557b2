const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** y = silu(gate) up, in float64. */
export function swigluReference(gate: ArrayLike<number>, up: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: gate.length }, (_, i) => gate[i]! * sigmoid(gate[i]!) * up[i]!);
}

/** Gradients of gate and up for the gradient dy of the output. */
export function swigluGradientReference(
  gate: ArrayLike<number>,
  up: ArrayLike<number>,
  dy: ArrayLike<number>,
): { dgate: Float64Array; dup: Float64Array } {
  const silu = (g: number): number => g * sigmoid(g);
  const siluSlope = (g: number): number => sigmoid(g) + g * sigmoid(g) * (1 - sigmoid(g));
  return {
    dgate: Float64Array.from({ length: gate.length }, (_, i) => dy[i]! * up[i]! * siluSlope(gate[i]!)),
    dup: Float64Array.from({ length: gate.length }, (_, i) => dy[i]! * silu(gate[i]!)),
  };
}
