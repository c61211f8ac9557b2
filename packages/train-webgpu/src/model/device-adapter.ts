import type { Device } from "../device/request-device.ts";
import type { AdapterConfig } from "../formats/adapter/adapter-config.ts";
import type { Adapter } from "../formats/adapter/adapter-folder.ts";
import { type LinearModule, matchTargetModules } from "../formats/adapter/target-modules.ts";
import type { ModelConfig } from "../formats/model-config/model-config.ts";
import { initialLora, type LoraMatrices } from "../init/initial-lora.ts";
import { allocate, read, write } from "../plan/upload.ts";
import type { DeviceAdapter } from "./policy.ts";
import { type Weights, weightsOf } from "./weights.ts";

/** A fresh adapter as the user asks for it; PEFT's names. */
export interface LoraOptions {
  r: number;
  alpha: number;
  /** "all-linear" (every linear layer but the head, the default) or module names such as "q_proj". */
  targetModules?: "all-linear" | readonly string[];
  dropout?: number;
  /** Scale by alpha / sqrt(r) instead of alpha / r. */
  useRslora?: boolean;
}

/** A freshly drawn adapter: A uniform, B zero, so that the model is unchanged. */
export function freshAdapter(config: ModelConfig, options: LoraOptions, seed: number, baseModel: string | undefined): Adapter {
  const { r, alpha, targetModules = "all-linear", dropout = 0, useRslora = false } = options;
  if (!Number.isInteger(r) || r < 1) throw new RangeError(`loadModel: lora.r is ${r}; give a whole number from 1`);
  if (!(alpha > 0)) throw new RangeError(`loadModel: lora.alpha is ${alpha}; give a number above 0`);
  const modules = matchTargetModules(config, targetModules);
  const names =
    targetModules === "all-linear" ? [...new Set(modules.map(({ module }) => module.split(".").at(-1)!))] : [...targetModules];
  const adapterConfig: AdapterConfig = {
    r,
    loraAlpha: alpha,
    loraDropout: dropout,
    useRslora,
    targetModules: names,
    baseModel,
    raw: {},
  };
  const matrices = new Map(
    modules.map(({ module, inputs, outputs }) => [module, initialLora(module, { inputs, outputs, r }, seed)]),
  );
  return { config: adapterConfig, matrices };
}

/** The kernels sum in fours, so the rank is rounded up to a multiple of 4; the added rows of A and columns of B are 0 and stay 0. */
export const paddedRank = (r: number): number => Math.ceil(r / 4) * 4;

/** Room for an adapter of rank r; what it holds is not said. */
export function allocateAdapter(device: Device, modules: LinearModule[], r: number): Weights {
  const rank = paddedRank(r);
  const shapes = new Map<string, number[]>();
  for (const { module, inputs, outputs } of modules) {
    shapes.set(`${module}.lora_A.weight`, [rank, inputs]);
    shapes.set(`${module}.lora_B.weight`, [outputs, rank]);
  }
  const tensors = [...shapes].map(([name, [rows, columns]]) => [name, allocate(device, name, rows! * columns! * 4)] as const);
  return weightsOf(new Map(tensors), shapes);
}

export function uploadAdapter(device: Device, { config, matrices }: Adapter): DeviceAdapter {
  const { r } = config;
  const rank = paddedRank(r);
  const modules = [...matrices].map(([module, { loraA, loraB }]) => {
    return { module, inputs: loraA.length / r, outputs: loraB.length / r };
  });
  const weights = allocateAdapter(device, modules, r);
  for (const [module, { loraA, loraB }] of matrices) {
    const [inputs, outputs] = [loraA.length / r, loraB.length / r];
    const a = new Float32Array(rank * inputs);
    a.set(loraA);
    const b = new Float32Array(outputs * rank);
    for (let row = 0; row < outputs; row++) b.set(loraB.subarray(row * r, (row + 1) * r), row * rank);
    write(device, weights.tensors.get(`${module}.lora_A.weight`)!, a);
    write(device, weights.tensors.get(`${module}.lora_B.weight`)!, b);
  }
  return { config, weights };
}

/** The adapter's matrices, read back without their padding. */
export async function downloadAdapter(device: Device, { config, weights }: DeviceAdapter): Promise<Adapter> {
  const { r } = config;
  const rank = paddedRank(r);
  const matrices = new Map<string, LoraMatrices>();
  for (const name of weights.tensors.keys()) {
    if (!name.endsWith(".lora_A.weight")) continue;
    const module = name.slice(0, -".lora_A.weight".length);
    const [a, b] = [weights.tensors.get(name)!, weights.tensors.get(`${module}.lora_B.weight`)!];
    const [paddedA, paddedB] = await read(device, [
      { tensor: a, length: a.bytes / 4 },
      { tensor: b, length: b.bytes / 4 },
    ]);
    const [inputs, outputs] = [paddedA!.length / rank, paddedB!.length / rank];
    const loraB = Float32Array.from({ length: outputs * r }, (_, i) => paddedB![Math.floor(i / r) * rank + (i % r)]!);
    matrices.set(module, { loraA: paddedA!.slice(0, r * inputs), loraB });
  }
  return { config, matrices };
}
