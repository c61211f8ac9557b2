import type { LowRank } from "../kernels/matmul/matmul.ts";
import type { Policy } from "../model/policy.ts";
import { lowRankOf, weightOf } from "../model/policy.ts";
import { formatOf } from "../plan/slabs.ts";
import type { Tensor } from "../plan/tensor.ts";
import { allocate } from "../plan/upload.ts";

/** A parameter in training: the weight itself, its gradient and AdamW's moments. */
export interface Trainable {
  name: string;
  /** The weight, marked as wanting a gradient. */
  parameter: Tensor;
  gradient: Tensor;
  firstMoment: Tensor;
  secondMoment: Tensor;
  /** Norm weights and biases get no weight decay, as in transformers. */
  decays: boolean;
}

/** The parameters that training moves: all of the model, or the adapter's where it has one. */
export interface Trainables extends Disposable {
  list: Trainable[];
  weight: (name: string) => Tensor;
  lowRank: (module: string) => LowRank | undefined;
  bytes: number;
}

/** `dropoutSeed`: makes the adapter's dropout part of the plan, and draws from this seed. */
export function createTrainables(policy: Policy, { dropoutSeed }: { dropoutSeed?: number | undefined } = {}): Trainables {
  const { device, weights, adapter } = policy;
  const moved = adapter ? adapter.weights : weights;
  const list = [...moved.tensors].map(([name, tensor]): Trainable => {
    if (formatOf(tensor) !== "f32") {
      throw new RangeError(
        `train: weight "${name}" is stored as ${tensor.format}, which cannot be trained; load the model with dtype "f32", or train an adapter with lora`,
      );
    }
    const gradient = allocate(device, `d ${name}`, tensor.bytes);
    return {
      name,
      gradient,
      parameter: { ...tensor, needsGradient: true, gradient },
      firstMoment: allocate(device, `m ${name}`, tensor.bytes),
      secondMoment: allocate(device, `v ${name}`, tensor.bytes),
      decays: !/norm\.weight$|\.bias$/.test(name),
    };
  });
  const byName = new Map(list.map((trainable) => [trainable.name, trainable.parameter]));
  return {
    list,
    weight: (name) => (adapter ? undefined : byName.get(name)) ?? weightOf(weights, name),
    lowRank: lowRankOf(adapter, { tensor: (name, matrix) => byName.get(name) ?? matrix, dropoutSeed }),
    bytes: list.reduce((sum, { parameter }) => sum + 3 * parameter.bytes, 0),
    [Symbol.dispose]() {
      for (const { gradient, firstMoment, secondMoment } of list) {
        for (const tensor of [gradient, firstMoment, secondMoment]) tensor.place?.buffer.destroy();
      }
    },
  };
}
