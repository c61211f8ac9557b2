import type { LoraMatrices } from "../../init/initial-lora.ts";
import { writeDurably } from "../files/durable-file.ts";
import { readJsonObject } from "../files/json-file.ts";
import { writeFolder } from "../files/staged-folder.ts";
import { formatError, quote } from "../format-error.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import { CHAT_TEMPLATE_FILE } from "../model-folder/model-folder.ts";
import { fromFloat32, toFloat32 } from "../safetensors/convert.ts";
import type { TensorPlan } from "../safetensors/header.ts";
import { openSafetensors } from "../safetensors/read.ts";
import { type TensorToWrite, writeSafetensors } from "../safetensors/write.ts";
import { type AdapterConfig, parseAdapterConfig, writeAdapterConfig } from "./adapter-config.ts";
import { type LinearModule, linearModules, targets } from "./target-modules.ts";

export const ADAPTER_CONFIG_FILE = "adapter_config.json";
export const ADAPTER_WEIGHTS_FILE = "adapter_model.safetensors";

/** The chat template that an adapter was trained under, where its folder holds one: its base model may have another, or none. */
export async function adapterTemplate(folder: string): Promise<string | undefined> {
  const { readFile } = await import("node:fs/promises");
  const { join } = await import("node:path");
  return readFile(join(folder, CHAT_TEMPLATE_FILE), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

/** An adapter in memory: its configuration and the two matrices of each adapted module, by the module's full name. */
export interface Adapter {
  config: AdapterConfig;
  matrices: Map<string, LoraMatrices>;
}

/** PEFT's names of a module's two matrices. */
export function adapterTensorNames(module: string): { loraA: string; loraB: string } {
  const prefix = `base_model.model.${module}`;
  return { loraA: `${prefix}.lora_A.weight`, loraB: `${prefix}.lora_B.weight` };
}

/** The tensors of an adapter of rank r on these modules: A [r, inputs] and B [outputs, r] of each. */
export function adapterPlans(modules: readonly LinearModule[], r: number): TensorPlan[] {
  return modules.flatMap(({ module, inputs, outputs }) => {
    const { loraA, loraB } = adapterTensorNames(module);
    return [
      { name: loraA, dtype: "F32" as const, shape: [r, inputs] },
      { name: loraB, dtype: "F32" as const, shape: [outputs, r] },
    ];
  });
}

/**
 * The modules that an adapter's tensors adapt, in the model's order.
 *
 * Throws `ERR_ADAPTER` for tensors that fit no linear layer of this model, a matrix without its partner, a wrong shape, and for
 * tensors and `target_modules` that contradict each other.
 */
export function checkAdapter(
  { r, targetModules }: AdapterConfig,
  model: ModelConfig,
  tensors: ReadonlyMap<string, { shape: readonly number[] }>,
): LinearModule[] {
  const refuse = (what: string) => formatError("ERR_ADAPTER", `checkAdapter: ${what}; give the adapter of this model`);
  const modules = linearModules(model).filter(({ module }) => {
    const { loraA, loraB } = adapterTensorNames(module);
    return tensors.has(loraA) || tensors.has(loraB);
  });
  const plans = adapterPlans(modules, r);
  for (const { name, shape } of plans) {
    const stored = tensors.get(name)?.shape;
    if (!stored) throw refuse(`tensor ${quote(name)} is missing, its partner is there`);
    if (stored.join() !== shape.join()) throw refuse(`tensor ${quote(name)} is [${stored}], needs [${shape}]`);
  }
  const expected = new Set(plans.map(({ name }) => name));
  const stray = [...tensors.keys()].find((name) => !expected.has(name));
  if (stray !== undefined) throw refuse(`tensor ${quote(stray)} adapts no linear layer of this ${model.modelType} model`);
  if (modules.length === 0) throw refuse("the adapter holds no tensors");
  // A pattern of PEFT's is not run: the tensors themselves say what it matched.
  if (typeof targetModules === "string") return modules;
  const idle = targetModules.find((target) => !modules.some(({ module }) => targets(target, module)));
  if (idle !== undefined) throw refuse(`target module ${quote(idle)} has no tensors`);
  const unasked = modules.find(({ module }) => !targetModules.some((target) => targets(target, module)));
  if (unasked) throw refuse(`module ${quote(unasked.module)} has tensors, target_modules does not name it`);
  return modules;
}

/**
 * Reads a PEFT adapter (`adapter_config.json`, `adapter_model.safetensors`) for a model.
 *
 * @example const { config, matrices } = await readAdapter("runs/dpo-lora", modelConfig);
 */
export async function readAdapter(folder: string, model: ModelConfig): Promise<Adapter> {
  const { join } = await import("node:path");
  const config = parseAdapterConfig(await readJsonObject(join(folder, ADAPTER_CONFIG_FILE), "ERR_ADAPTER"));
  await using file = await openSafetensors(join(folder, ADAPTER_WEIGHTS_FILE));
  const matrices = new Map<string, LoraMatrices>();
  for (const { module } of checkAdapter(config, model, file.tensors)) {
    const matrix = async (name: string) => toFloat32(await file.read(name), file.tensors.get(name)!.dtype);
    const { loraA, loraB } = adapterTensorNames(module);
    matrices.set(module, { loraA: await matrix(loraA), loraB: await matrix(loraB) });
  }
  return { config, matrices };
}

/** The tensors of an adapter, ready to be written as float32. */
export function adapterTensors(matrices: Adapter["matrices"], r: number): TensorToWrite[] {
  return [...matrices].flatMap(([module, { loraA, loraB }]) => {
    const names = adapterTensorNames(module);
    return [
      { name: names.loraA, dtype: "F32", shape: [r, loraA.length / r], data: () => fromFloat32(loraA, "F32") },
      { name: names.loraB, dtype: "F32", shape: [loraB.length / r, r], data: () => fromFloat32(loraB, "F32") },
    ] satisfies TensorToWrite[];
  });
}

/**
 * Saves an adapter as PEFT loads it, whole or not at all.
 *
 * @example await saveAdapter("runs/dpo-lora", { config, matrices });
 */
export async function saveAdapter(folder: string, { config, matrices }: Adapter): Promise<void> {
  const { join } = await import("node:path");
  await writeFolder(folder, {
    marker: ADAPTER_CONFIG_FILE,
    replaces: /^adapter_model\.safetensors$/,
    write: async (staging) => {
      await writeSafetensors(join(staging, ADAPTER_WEIGHTS_FILE), adapterTensors(matrices, config.r));
      await writeDurably(join(staging, ADAPTER_CONFIG_FILE), [writeAdapterConfig(config)]);
    },
  });
}
