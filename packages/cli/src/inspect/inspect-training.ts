import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { freemem } from "node:os";
import { join } from "node:path";
import {
  adviseMemory,
  type Device,
  type LoadModelOptions,
  type ModelConfig,
  parseModelConfig,
  type TrainingMemory,
  type TrainingShape,
  trainingMemory,
} from "@zephyr/train-webgpu";

/** What a training run would take of the device's memory, and whether it has it. */
export interface TrainingInspection {
  memory: TrainingMemory;
  /** Bytes that the device has; null where nobody knows. */
  device_bytes: number | null;
  fits: boolean | null;
  /** Flags under which it would fit. */
  advice: { change: string; total: number } | null;
}

/** Plans a run of a model folder without loading it. */
export async function inspectTraining(
  folder: string,
  shape: TrainingShape,
  deviceBytes: number | undefined,
): Promise<TrainingInspection> {
  const config = await configOf(folder);
  const memory = trainingMemory(config, shape);
  const fits = deviceBytes === undefined ? null : memory.total <= deviceBytes;
  const advice = fits === false ? (adviseMemory(config, shape, deviceBytes!) ?? null) : null;
  return { memory, device_bytes: deviceBytes ?? null, fits, advice };
}

interface TokenRow {
  input_ids?: readonly number[];
  prompt_ids?: readonly number[];
  chosen_ids?: readonly number[];
  rejected_ids?: readonly number[];
}

/** The shape of a run on these rows: its largest possible micro-batch is that of the longest rows. */
export function shapeOfRun(
  { lora, adapter, dtype = "f32" }: LoadModelOptions,
  rows: readonly TokenRow[],
  settings: { perDeviceTrainBatchSize: number; gradientCheckpointing: boolean; fp16?: boolean },
): TrainingShape {
  const { perDeviceTrainBatchSize: batchSize, gradientCheckpointing: activationCheckpointing, fp16 = false } = settings;
  const isPairs = rows[0]?.chosen_ids !== undefined;
  const length = (ids: readonly number[] | undefined): number => ids?.length ?? 0;
  const tokens = rows.map(({ input_ids, prompt_ids, chosen_ids, rejected_ids }) =>
    isPairs ? 2 * length(prompt_ids) + length(chosen_ids) + length(rejected_ids) : length(input_ids),
  );
  const longest = tokens.sort((a, b) => b - a).slice(0, batchSize);
  const sequences = longest.length * (isPairs ? 2 : 1);
  return {
    batch: isPairs ? "pairs" : "sequences",
    batchSize: longest.length,
    maxLength: Math.ceil(longest.reduce((sum, count) => sum + count, 0) / sequences),
    dtype,
    activationCheckpointing,
    ...(fp16 && { fp16 }),
    ...(lora ? { lora } : adapter === undefined ? {} : { lora: adapterShape(adapter) }),
  };
}

/** Rank and modules of an adapter on disk; all linear layers where it names them by a pattern. */
export function adapterShape(folder: string): NonNullable<TrainingShape["lora"]> {
  const { r = 8, target_modules: modules } = JSON.parse(readFileSync(join(folder, "adapter_config.json"), "utf8")) as {
    r?: number;
    target_modules?: unknown;
  };
  return { r, targetModules: Array.isArray(modules) ? (modules as string[]) : "all-linear" };
}

/** Throws where a run cannot fit into the memory of the device, naming its largest parts and what would make it fit. */
export async function refuseTooLarge(device: Device, folder: string, shape: TrainingShape): Promise<void> {
  // WebGPU does not tell how much memory a GPU has; a software adapter's is the machine's.
  if (device.adapterClass !== "software") return;
  const { memory, device_bytes, fits, advice } = await inspectTraining(folder, shape, freemem());
  if (fits !== false) return;
  throw Object.assign(new RangeError(tooLarge(memory, device_bytes!, advice)), { code: "ERR_OUT_OF_DEVICE_MEMORY" });
}

/** Why a run does not fit, in one sentence. */
export function tooLarge(memory: TrainingMemory, deviceBytes: number, advice: TrainingInspection["advice"]): string {
  const largest = memoryParts(memory)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([name, bytes]) => `${name} ${gibibytes(bytes)}`);
  const remedy = advice
    ? `with ${advice.change} it takes ${gibibytes(advice.total)}`
    : "no setting makes it fit; shorten --max-length, or use a smaller model or a larger device";
  return `the run needs ${gibibytes(memory.total)} of device memory and there are ${gibibytes(deviceBytes)}; the largest parts are ${largest.join(", ")}; ${remedy}`;
}

export const memoryParts = (memory: TrainingMemory): [string, number][] => [
  ["base weights", memory.weights],
  ["adapter", memory.adapter],
  ["gradients", memory.gradients],
  ["AdamW's moments", memory.moments],
  ["activations", memory.activations],
  ["batch and launches", memory.batch],
];

export const gibibytes = (bytes: number): string =>
  bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`;

async function configOf(folder: string): Promise<ModelConfig> {
  return parseModelConfig(JSON.parse(await readFile(join(folder, "config.json"), "utf8")));
}
