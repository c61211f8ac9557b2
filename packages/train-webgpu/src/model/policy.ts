import type { Tokenizer } from "@zephyr/data";
import type { Device } from "../device/request-device.ts";
import { type AdapterConfig, loraScaling } from "../formats/adapter/adapter-config.ts";
import type { ModelConfig } from "../formats/model-config/model-config.ts";
import { inverseFrequencies } from "../formats/model-config/rope.ts";
import type { LowRank } from "../kernels/matmul/matmul.ts";
import type { Tensor } from "../plan/tensor.ts";
import { paddedRank } from "./device-adapter.ts";
import type { Weights } from "./weights.ts";

/** A low-rank adapter on a device; its matrices are named `<module>.lora_A.weight` and `<module>.lora_B.weight`. */
export interface DeviceAdapter {
  config: AdapterConfig;
  weights: Weights;
}

/** A language model on a device: what is trained, scored, sampled from and saved. */
export interface Policy extends Disposable {
  readonly device: Device;
  readonly config: ModelConfig;
  readonly weights: Weights;
  readonly adapter: DeviceAdapter | undefined;
  readonly tokenizer: Tokenizer | undefined;
  /** The folder it was loaded from, whose tokenizer files are saved along. */
  readonly folder: string | undefined;
  /** The tokenizer's chat template where it is not that of `folder`; it is saved along. */
  readonly chatTemplate: string | undefined;
  /** [headDim / 2] radians per position. */
  readonly inverseFrequencies: Float64Array;
  /** Saves the model, or the adapter alone where it has one, as Hugging Face and PEFT load it. */
  save(folder: string): Promise<void>;
}

export interface PolicyParts {
  device: Device;
  config: ModelConfig;
  weights: Weights;
  adapter?: DeviceAdapter | undefined;
  tokenizer?: Tokenizer | undefined;
  folder?: string | undefined;
  chatTemplate?: string | undefined;
}

export function createPolicy({ device, config, weights, adapter, tokenizer, folder, chatTemplate }: PolicyParts): Policy {
  const policy: Policy = {
    device,
    config,
    weights,
    adapter,
    tokenizer,
    folder,
    chatTemplate,
    inverseFrequencies: inverseFrequencies(config),
    save: async (to) => (await import("./save-model.ts")).savePolicy(policy, to),
    [Symbol.dispose]() {
      weights[Symbol.dispose]();
      adapter?.weights[Symbol.dispose]();
    },
  };
  return policy;
}

export interface LowRankOptions {
  /** Swaps in the trainable form of a matrix. */
  tensor?: (name: string, matrix: Tensor) => Tensor;
  /** Turns the adapter's dropout on, drawn from this seed. */
  dropoutSeed?: number | undefined;
}

/** The low-rank update of each adapted module. */
export function lowRankOf(adapter: DeviceAdapter | undefined, options: LowRankOptions = {}) {
  const { tensor = (_: string, matrix: Tensor) => matrix, dropoutSeed } = options;
  const modules = [...(adapter?.weights.tensors.keys() ?? [])].filter((name) => name.endsWith(".lora_A.weight"));
  return (module: string): LowRank | undefined => {
    const [nameA, nameB] = [`${module}.lora_A.weight`, `${module}.lora_B.weight`];
    const a = adapter?.weights.tensors.get(nameA);
    const b = adapter?.weights.tensors.get(nameB);
    if (!adapter || !a || !b) return undefined;
    const scaling = loraScaling(adapter.config);
    const probability = dropoutSeed === undefined ? 0 : adapter.config.loraDropout;
    const stream = modules.indexOf(nameA);
    const width = a.bytes / 4 / paddedRank(adapter.config.r);
    return {
      a: tensor(nameA, a),
      b: tensor(nameB, b),
      rank: paddedRank(adapter.config.r),
      scale: (s) => scaling * s.adapterScale,
      ...(probability > 0 && { dropout: { width, probability, stream, seed: dropoutSeed! } }),
    };
  };
}

/** A weight by name; throws where the model has none, which is a fault of the model's code. */
export function weightOf(weights: Weights, name: string): Tensor {
  const tensor = weights.tensors.get(name);
  if (!tensor) throw new Error(`weightOf: the model has no weight "${name}"`);
  return tensor;
}
