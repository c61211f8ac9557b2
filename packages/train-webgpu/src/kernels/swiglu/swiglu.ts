import { type Tape, workOfEach } from "../../plan/tape.ts";
import type { Sizes, Tensor } from "../../plan/tensor.ts";
import { elementGroups, type KernelTarget, withPrelude } from "../prelude/prelude.ts";
import backward from "./swiglu.backward.wgsl" with { type: "text" };
import forward from "./swiglu.forward.wgsl" with { type: "text" };

/** y = silu(gate) up, element by element; all [T, width]. */
export function swiglu(tape: Tape, target: KernelTarget, gate: Tensor, up: Tensor, width: number): Tensor {
  const y = tape.temporary("silu(gate) up", gate.bytes, [gate, up]);
  const elements = (sizes: Sizes): number => sizes.tokens * width;
  const params = (sizes: Sizes) => ({ elements: elements(sizes) });
  const grid = (sizes: Sizes): [number] => [elementGroups(elements(sizes))];
  tape.run(
    withPrelude(target, "swiglu forward", forward),
    [gate, up, y],
    params,
    grid,
    workOfEach(elements, { flops: 5, words: 3 }),
  );
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy) return;
    // Under LoRA one of the two may want no gradient; the kernel writes both.
    const dgate = tape.gradientTarget(gate)?.tensor ?? tape.temporary("unused d gate", gate.bytes);
    const dup = tape.gradientTarget(up)?.tensor ?? tape.temporary("unused d up", up.bytes);
    tape.run(
      withPrelude(target, "swiglu backward", backward),
      [gate, up, dy, dgate, dup],
      params,
      grid,
      workOfEach(elements, { flops: 12, words: 5 }),
    );
  });
  return y;
}
