import { flatSlabs } from "../../plan/slabs.ts";
import { type Tape, workOfEach } from "../../plan/tape.ts";
import type { Tensor } from "../../plan/tensor.ts";
import { type KernelTarget, rowGroups, withPrelude } from "../prelude/prelude.ts";
import normSource from "./norm.wgsl" with { type: "text" };
import squares from "./squares.wgsl" with { type: "text" };

const GROUPS = 64;

/** (norm, clip factor) of all gradients together, 2 floats; `maxNorm` 0 switches clipping off. */
export function globalNorm(tape: Tape, target: KernelTarget, gradients: Tensor[], maxNorm: number): Tensor {
  const slabs = gradients.flatMap((gradient) => flatSlabs(gradient, target.maxBindingBytes));
  const count = slabs.length * GROUPS;
  const partials = tape.temporary("squares", count * 4);
  const result = tape.temporary("norm and clip", 8);
  slabs.forEach((gradient, index) => {
    tape.run(
      withPrelude(target, "squares", squares),
      [gradient, partials],
      () => ({ elements: gradient.bytes / 4, groups: GROUPS, partial_offset: index * GROUPS }),
      () => [rowGroups(target, GROUPS)],
      workOfEach(() => gradient.bytes / 4, { flops: 2, words: 1 }),
    );
  });
  tape.run(
    withPrelude(target, "norm", normSource),
    [partials, result],
    () => ({ count, max_norm: maxNorm }),
    () => [1],
    // A compensated sum.
    workOfEach(() => count, { flops: 4, words: 1 }),
  );
  return result;
}
