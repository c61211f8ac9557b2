import { flatSlabs } from "../../plan/slabs.ts";
import { type Tape, workOfEach } from "../../plan/tape.ts";
import type { Sizes, Tensor } from "../../plan/tensor.ts";
import { elementGroups, type KernelTarget, withPrelude } from "../prelude/prelude.ts";
import source from "./adamw.wgsl" with { type: "text" };

export interface AdamwTensors {
  parameter: Tensor;
  gradient: Tensor;
  firstMoment: Tensor;
  secondMoment: Tensor;
}

export interface AdamwSettings {
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
}

/** One optimizer step of one tensor; `sizes.step` counts from 1 and `sizes.learningRate` is that of this step. */
export function adamw(
  tape: Tape,
  target: KernelTarget,
  tensors: AdamwTensors,
  normAndClip: Tensor,
  settings: AdamwSettings,
): void {
  const { beta1, beta2, epsilon, weightDecay } = settings;
  const params = ({ learningRate, step }: Sizes) => ({
    learning_rate: learningRate,
    decay: weightDecay,
    // In float64: 1 - 0.999 is off by 1e-5 in float32.
    one_minus_beta1: 1 - beta1,
    beta2,
    one_minus_beta2: 1 - beta2,
    epsilon,
    correction1: 1 - beta1 ** step,
    correction2: Math.sqrt(1 - beta2 ** step),
  });
  const slabs = (tensor: Tensor): Tensor[] => flatSlabs(tensor, target.maxBindingBytes);
  const [gradients, firstMoments, secondMoments] = [
    slabs(tensors.gradient),
    slabs(tensors.firstMoment),
    slabs(tensors.secondMoment),
  ];
  slabs(tensors.parameter).forEach((parameter, i) => {
    const elements = parameter.bytes / 4;
    tape.run(
      withPrelude(target, "adamw", source),
      [gradients[i]!, normAndClip, parameter, firstMoments[i]!, secondMoments[i]!],
      (sizes) => ({ elements, ...params(sizes) }),
      () => [elementGroups(elements)],
      // Clipping 1, moments 3 and 4, the step 7; the gradient is read, parameter and moments are read and written.
      workOfEach(() => elements, { flops: 15, words: 7 }),
    );
  });
}
