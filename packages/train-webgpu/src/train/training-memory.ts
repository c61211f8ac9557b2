import { pairedLosses } from "@zephyr/losses";
import { type MeasuredTarget, measuringDevice } from "../device/measuring-device.ts";
import type { AdapterConfig } from "../formats/adapter/adapter-config.ts";
import { matchTargetModules } from "../formats/adapter/target-modules.ts";
import type { ModelConfig } from "../formats/model-config/model-config.ts";
import { grow } from "../model/capacity.ts";
import { allocateAdapter, type LoraOptions } from "../model/device-adapter.ts";
import type { WeightDtype } from "../model/packed-weights.ts";
import { createPolicy } from "../model/policy.ts";
import { allocateWeights } from "../model/weights.ts";
import { BLOCK } from "../plan/executor.ts";
import { planMemory } from "../plan/memory.ts";
import { recordOptimizer } from "./optimizer.ts";
import { recordTraining } from "./record-training.ts";
import { createTrainables } from "./trainables.ts";

/** What decides how much memory a training run takes. */
export interface TrainingShape {
  /** Pairs (DPO and its kin) or sequences (SFT) of a micro-batch. */
  batch: "pairs" | "sequences";
  /** How many of them. */
  batchSize: number;
  /** Tokens of the longest sequence; a micro-batch of nothing but such sequences is planned for. */
  maxLength: number;
  dtype?: WeightDtype;
  /** Without it all weights are trained. */
  lora?: Pick<LoraOptions, "r" | "targetModules" | "dropout">;
  activationCheckpointing?: boolean;
  /** Large products on matrix units, whose operands are rounded to half floats first. */
  fp16?: boolean;
}

/** Bytes of device memory, by what they hold. */
export interface TrainingMemory {
  weights: number;
  adapter: number;
  gradients: number;
  moments: number;
  /** Activations, logits and their gradients, placed by lifetime. */
  activations: number;
  /** The batch itself, and what each launch is told. */
  batch: number;
  total: number;
  parameters: number;
  trainedParameters: number;
}

/** Any GPU; the sizes hardly depend on which. */
const SOME_GPU: MeasuredTarget = { lanes: 32, adapterClass: "tile", maxBindingBytes: 2 ** 31 - 4 };
const SOME_MATRIX_GPU: MeasuredTarget = { ...SOME_GPU, adapterClass: "matrix", matrixUnit: 16 };

/**
 * The device memory of a training run, by recording its plan without a device: what is counted here is what a run allocates.
 *
 * @example trainingMemory(config, { batch: "pairs", batchSize: 4, maxLength: 1024, dtype: "nf4", lora: { r: 16 } }).total / 2 ** 30
 */
export function trainingMemory(
  config: ModelConfig,
  shape: TrainingShape,
  target: MeasuredTarget = shape.fp16 ? SOME_MATRIX_GPU : SOME_GPU,
): TrainingMemory {
  const { batch, batchSize, maxLength, dtype = "f32", lora, activationCheckpointing = false } = shape;
  const device = measuringDevice(target);
  const weights = allocateWeights(device, config, dtype);
  const weightBytes = device.allocatedBytes();
  const adapter = lora && {
    config: adapterConfig(lora),
    weights: allocateAdapter(device, matchTargetModules(config, lora.targetModules ?? "all-linear"), lora.r),
  };
  const adapterBytes = device.allocatedBytes() - weightBytes;
  const policy = createPolicy({ device, config, weights, adapter });
  const supervised = batch === "sequences";
  const trainables = createTrainables(policy, { dropoutSeed: supervised ? 0 : undefined });
  const trainedBytes = device.allocatedBytes() - weightBytes - adapterBytes;
  const sequences = supervised ? batchSize : 2 * batchSize;
  const tokens = sequences * maxLength;
  const capacity = grow(undefined, { tokens, sequences, labelled: tokens })!;
  const loss = supervised ? undefined : pairedLosses.sigmoid();
  const recording = recordTraining({ policy, trainables, capacity, checkpointing: activationCheckpointing, loss });
  const step = Object.values(recording.phases).flat();
  const settings = { weightDecay: 0, adamBeta1: 0.9, adamBeta2: 0.999, adamEpsilon: 1e-8, maxGradNorm: 1 };
  const optimizer = recordOptimizer(device, trainables, settings);
  const keep = new Set([recording.sums, recording.adjusted]);
  const activations = planMemory(step, keep).bytes + planMemory(optimizer.dispatches, new Set([optimizer.norm])).bytes;
  const batchBytes = device.allocatedBytes() - weightBytes - adapterBytes - trainedBytes;
  const launches = BLOCK * (step.length + optimizer.dispatches.length);
  return {
    weights: weightBytes,
    adapter: adapterBytes,
    gradients: trainedBytes / 3,
    moments: (trainedBytes / 3) * 2,
    activations,
    batch: batchBytes + launches,
    total: device.allocatedBytes() + activations + launches,
    parameters: [...weights.shapes.values()].reduce((sum, sizes) => sum + sizes.reduce((product, n) => product * n, 1), 0),
    trainedParameters: trainables.list.reduce((sum, { parameter }) => sum + parameter.bytes / 4, 0),
  };
}

/** A change to a run that makes it fit, or as small as can be. */
export interface MemoryAdvice {
  change: string;
  total: number;
}

/** The first of the usual remedies under which a run fits into `bytes`; undefined where none does. */
export function adviseMemory(config: ModelConfig, shape: TrainingShape, bytes: number): MemoryAdvice | undefined {
  const lora = shape.lora ?? { r: 16 };
  const remedies: [string, Partial<TrainingShape>][] = [
    ["--gradient-checkpointing", { activationCheckpointing: true }],
    ["--per-device-train-batch-size 1 --gradient-checkpointing", { batchSize: 1, activationCheckpointing: true }],
    [`--lora-r ${lora.r}`, { lora }],
    [`--lora-r ${lora.r} --dtype bf16 --gradient-checkpointing`, { lora, dtype: "bf16", activationCheckpointing: true }],
    [`--lora-r ${lora.r} --dtype nf4 --gradient-checkpointing`, { lora, dtype: "nf4", activationCheckpointing: true }],
    [
      `--lora-r ${lora.r} --dtype nf4 --gradient-checkpointing --per-device-train-batch-size 1`,
      { lora, dtype: "nf4", activationCheckpointing: true, batchSize: 1 },
    ],
  ];
  for (const [change, changed] of remedies) {
    const { total } = trainingMemory(config, { ...shape, ...changed });
    if (total <= bytes) return { change, total };
  }
  return undefined;
}

function adapterConfig({ r, dropout = 0 }: NonNullable<TrainingShape["lora"]>): AdapterConfig {
  return { r, loraAlpha: r, loraDropout: dropout, useRslora: false, targetModules: [], baseModel: undefined, raw: {} };
}
