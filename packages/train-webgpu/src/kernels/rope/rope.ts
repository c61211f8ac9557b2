import type { Tape } from "../../plan/tape.ts";
import type { Sizes, Tensor } from "../../plan/tensor.ts";
import { type KernelTarget, rowGroups, withPrelude } from "../prelude/prelude.ts";
import source from "./rope.wgsl" with { type: "text" };

export interface RopeShape {
  heads: number;
  headDim: number;
}

/** Turns queries or keys x [T, heads, D] by their positions, in place; the backward pass turns the gradient back, in place. */
export function rope(
  tape: Tape,
  target: KernelTarget,
  x: Tensor,
  positions: Tensor,
  angles: Tensor,
  { heads, headDim }: RopeShape,
): void {
  const kernel = withPrelude(target, "rope", source);
  const half = headDim / 2;
  const turn = (tensor: Tensor, sign: number): void => {
    const rows = (sizes: Sizes): number => sizes.tokens * heads;
    tape.run(
      kernel,
      [positions, angles, tensor],
      (s) => ({ rows: rows(s), heads, half_dim: half, sign }),
      (s) => [rowGroups(target, rows(s))],
      // Each pair is turned in place; a position's angles serve all heads.
      (s) => ({ flops: 6 * half * rows(s), bytes: 16 * half * rows(s) + 8 * half * s.tokens }),
    );
  };
  turn(x, 1);
  tape.onBackward(() => {
    const dx = tape.gradientOf(x);
    if (dx) turn(dx, -1);
  });
}

/** (cos, sin) of every position and frequency, [positions, D/2, 2], computed in float64 and rounded once. */
export function ropeAngles(inverseFrequencies: Float64Array, positions: number): Float32Array<ArrayBuffer> {
  const half = inverseFrequencies.length;
  const table = new Float32Array(positions * half * 2);
  for (let position = 0; position < positions; position++) {
    for (let c = 0; c < half; c++) {
      const angle = position * inverseFrequencies[c]!;
      table[(position * half + c) * 2] = Math.cos(angle);
      table[(position * half + c) * 2 + 1] = Math.sin(angle);
    }
  }
  return table;
}
