import type { Kernel } from "./pipeline.ts";
import type { Grid, Params, Sizes, Tensor } from "./tensor.ts";

/** What a launch computes and moves, for a profile. */
export interface Work {
  flops: number;
  /** Each operand once, however often a kernel reads it; twice where it is read and written. */
  bytes: number;
}

/** The work of a kernel that does the same for each of `count` elements or rows, and moves `words` of 4 bytes for each. */
export const workOfEach =
  (count: (sizes: Sizes) => number, { flops, words }: { flops: number; words: number }) =>
  (sizes: Sizes): Work => ({ flops: count(sizes) * flops, bytes: count(sizes) * words * 4 });

/** One kernel launch of a plan; sizes are functions of the batch, so a plan is built once for every batch. */
export interface Dispatch {
  readonly kernel: Kernel;
  readonly tensors: Tensor[];
  readonly params: (sizes: Sizes) => Params;
  readonly grid: Grid;
  readonly work: (sizes: Sizes) => Work;
}

/** Where an op's backward adds its share of a gradient. */
export interface GradientTarget {
  readonly tensor: Tensor;
  /** 1 where something was written before, so that the kernel must add. */
  readonly accumulate: (sizes: Sizes) => number;
}

/**
 * Records kernel launches. An op runs its forward kernels through `run` and registers its backward, written by hand;
 * `backward()` calls those in reverse, so that only what a trainable parameter needs is ever computed.
 */
export interface Tape {
  readonly dispatches: Dispatch[];
  temporary(name: string, bytes: number, from?: Tensor[]): Tensor;
  run(kernel: Kernel, tensors: Tensor[], params: (sizes: Sizes) => Params, grid: Grid, work: (sizes: Sizes) => Work): void;
  onBackward(backward: () => void): void;
  /** The gradient that has reached a tensor, if any has. */
  gradientOf(tensor: Tensor): Tensor | undefined;
  /** Where to write a tensor's gradient; undefined where no gradient is wanted. */
  gradientTarget(tensor: Tensor): GradientTarget | undefined;
  /** The gradient of `from` is, unchanged, also that of `to`: a residual connection. */
  passGradient(from: Tensor, to: Tensor): void;
  /** Gives a tensor the gradient that a loss computed for it. */
  seedGradient(tensor: Tensor, gradient: Tensor): void;
  /** Keeps only the output of `segment`; what it needs inside is computed again in the backward pass. */
  checkpoint(segment: (tape: Tape) => Tensor): Tensor;
  backward(): void;
}

export function createTape(dispatches: Dispatch[] = [], gradients = new Map<Tensor, Tensor>(), record = true): Tape {
  const backwards: (() => void)[] = [];

  const tape: Tape = {
    dispatches,
    temporary(name, bytes, from = []) {
      return { name, bytes: align(bytes), needsGradient: from.some((tensor) => tensor.needsGradient) };
    },
    run(kernel, tensors, params, grid, work) {
      dispatches.push({ kernel, tensors, params, grid, work });
    },
    onBackward(backward) {
      if (record) backwards.push(backward);
    },
    gradientOf: (tensor) => gradients.get(tensor),
    gradientTarget(tensor) {
      if (!tensor.needsGradient) return undefined;
      const found = gradients.get(tensor);
      if (found) return { tensor: found, accumulate: () => 1 };
      const created = tensor.gradient ?? { name: `d ${tensor.name}`, bytes: tensor.bytes, needsGradient: false };
      gradients.set(tensor, created);
      return { tensor: created, accumulate: tensor.gradient ? (sizes) => sizes.accumulate : () => 0 };
    },
    passGradient(from, to) {
      const gradient = gradients.get(from);
      if (!gradient || !to.needsGradient) return;
      if (gradients.has(to)) throw new Error(`tape: "${to.name}" already has a gradient; a residual must be its last use`);
      if (to.gradient) throw new Error(`tape: "${to.name}" is a parameter; a residual must be an activation`);
      gradients.set(to, gradient);
    },
    seedGradient: (tensor, gradient) => void gradients.set(tensor, gradient),
    checkpoint(segment) {
      const output = segment(createTape(dispatches, gradients, false));
      tape.onBackward(() => {
        const gradient = gradients.get(output);
        if (!gradient) return;
        const again = createTape(dispatches, gradients, true);
        gradients.set(segment(again), gradient);
        again.backward();
      });
      return output;
    },
    backward() {
      for (const backward of backwards.reverse()) backward();
      backwards.length = 0;
    },
  };
  return tape;
}

/** Storage bindings start and end at multiples of 256 bytes, the largest alignment any adapter asks for. */
export function align(bytes: number): number {
  return Math.max(256, Math.ceil(bytes / 256) * 256);
}
