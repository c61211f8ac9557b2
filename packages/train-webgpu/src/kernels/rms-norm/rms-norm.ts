import { type Tape, workOfEach } from "../../plan/tape.ts";
import type { Sizes, Tensor } from "../../plan/tensor.ts";
import { elementGroups, type KernelTarget, rowGroups, withPrelude } from "../prelude/prelude.ts";
import backward from "./rms-norm.backward.wgsl" with { type: "text" };
import forward from "./rms-norm.forward.wgsl" with { type: "text" };
import weightGradient from "./rms-norm.weight-gradient.wgsl" with { type: "text" };

export interface RmsNormShape {
  rows: (sizes: Sizes) => number;
  /** The most rows a batch can have. */
  maxRows: number;
  width: number;
  eps: number;
}

/** y = x / rms(x) * weight, row by row; x [rows, width], weight [width]. */
export function rmsNorm(tape: Tape, target: KernelTarget, x: Tensor, weight: Tensor, shape: RmsNormShape): Tensor {
  const { rows, maxRows, width, eps } = shape;
  const y = tape.temporary(`norm(${x.name})`, maxRows * width * 4, [x, weight]);
  const rstd = tape.temporary(`rstd(${x.name})`, maxRows * 4);
  const grid = (sizes: Sizes): [number] => [rowGroups(target, rows(sizes))];
  const elements = (s: Sizes): number => rows(s) * width;
  tape.run(
    withPrelude(target, "rms-norm forward", forward),
    [x, weight, y, rstd],
    (s) => ({ rows: rows(s), width, eps }),
    grid,
    workOfEach(elements, { flops: 4, words: 2 }),
  );
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy) return;
    const dweight = tape.gradientTarget(weight);
    if (dweight) {
      const params = (s: Sizes) => ({ rows: rows(s), width, accumulate: dweight.accumulate(s) });
      tape.run(
        withPrelude(target, "rms-norm weight gradient", weightGradient),
        [x, rstd, dy, dweight.tensor],
        params,
        () => [elementGroups(width)],
        workOfEach(elements, { flops: 3, words: 2 }),
      );
    }
    const dx = tape.gradientTarget(x);
    if (!dx) return;
    const params = (s: Sizes) => ({ rows: rows(s), width, accumulate: dx.accumulate(s) });
    const work = (s: Sizes) => workOfEach(elements, { flops: 7, words: 3 + dx.accumulate(s) })(s);
    tape.run(withPrelude(target, "rms-norm backward", backward), [x, weight, rstd, dy, dx.tensor], params, grid, work);
  });
  return y;
}
