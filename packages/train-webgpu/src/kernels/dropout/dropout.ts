import { type Tape, workOfEach } from "../../plan/tape.ts";
import type { Sizes, Tensor } from "../../plan/tensor.ts";
import { elementGroups, type KernelTarget, withPrelude } from "../prelude/prelude.ts";
import source from "./dropout.wgsl" with { type: "text" };

export interface DropoutShape {
  /** Elements of a row of x [T, width]. */
  width: number;
  /** Probability that an element is dropped, 0 to 1. */
  probability: number;
  seed: number;
  /** Tells the draws of one place in the model from those of another. */
  stream: number;
}

/** Elements of x set to 0 at random and the others scaled up, anew for every `sizes.dropoutDraw`; x itself where that is 0. */
export function dropout(tape: Tape, target: KernelTarget, x: Tensor, shape: DropoutShape): Tensor {
  const { width, probability, seed, stream } = shape;
  const y = tape.temporary(`dropout ${x.name}`, x.bytes, [x]);
  const kernel = withPrelude(target, "dropout", source);
  const params = (s: Sizes, accumulate: number) => ({
    elements: s.tokens * width,
    seed,
    draw: s.dropoutDraw,
    stream,
    accumulate,
    keep: 1 - probability,
  });
  const grid = (s: Sizes): [number] => [elementGroups(s.tokens * width)];
  // One uniform number and one scaling; its bits come from integers.
  const work = workOfEach((s) => s.tokens * width, { flops: 2, words: 2 });
  tape.run(kernel, [x, y], (s) => params(s, 0), grid, work);
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    const dx = dy && tape.gradientTarget(x);
    if (dy && dx) tape.run(kernel, [dy, dx.tensor], (s) => params(s, dx.accumulate(s)), grid, work);
  });
  return y;
}
