import { type Tape, workOfEach } from "../../plan/tape.ts";
import type { Sizes, Tensor } from "../../plan/tensor.ts";
import { elementGroups, type KernelTarget, withPrelude } from "../prelude/prelude.ts";
import addSource from "./add-bias.wgsl" with { type: "text" };
import columnSums from "./column-sums.wgsl" with { type: "text" };

/** Adds a bias [width] to every row of y [rows, width], in place; its gradient is the sum of dy over the rows. */
export function addBias(
  tape: Tape,
  target: KernelTarget,
  y: Tensor,
  bias: Tensor,
  rows: (sizes: Sizes) => number,
  width: number,
): void {
  const elements = (s: Sizes): number => rows(s) * width;
  tape.run(
    withPrelude(target, "add bias", addSource),
    [bias, y],
    (s) => ({ elements: elements(s), width }),
    (s) => [elementGroups(elements(s))],
    workOfEach(elements, { flops: 1, words: 2 }),
  );
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    const dbias = dy && tape.gradientTarget(bias);
    if (!dy || !dbias) return;
    const params = (s: Sizes) => ({ rows: rows(s), width, accumulate: dbias.accumulate(s) });
    tape.run(
      withPrelude(target, "bias gradient", columnSums),
      [dy, dbias.tensor],
      params,
      () => [elementGroups(width)],
      workOfEach(elements, { flops: 1, words: 1 }),
    );
  });
}
