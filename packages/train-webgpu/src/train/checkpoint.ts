import { readAdapter } from "../formats/adapter/adapter-folder.ts";
import { parameterShapes } from "../formats/model-config/parameter-shapes.ts";
import { openModelFolder } from "../formats/model-folder/model-folder.ts";
import { fromFloat32, toFloat32 } from "../formats/safetensors/convert.ts";
import { openSafetensors } from "../formats/safetensors/read.ts";
import { writeSafetensors } from "../formats/safetensors/write.ts";
import { verifyCheckpoint, writeCheckpoint } from "../formats/trainer-state/checkpoint.ts";
import { checkMoments, momentNames, OPTIMIZER_FILE } from "../formats/trainer-state/optimizer-moments.ts";
import { readTrainerState } from "../formats/trainer-state/trainer-state.ts";
import { uploadAdapter } from "../model/device-adapter.ts";
import type { Policy } from "../model/policy.ts";
import { weightOf } from "../model/policy.ts";
import { savePolicy } from "../model/save-model.ts";
import { read, write } from "../plan/upload.ts";
import type { Trainables } from "./trainables.ts";

/** Where a run stands: `step` optimizer steps done, `microBatch` batches of `epoch` done. */
export interface ResumedRun {
  step: number;
  epoch: number;
  microBatch: number;
  /** Epochs done, with fraction. */
  fraction: number;
  tokens: number;
}

interface RunSettings {
  seed: number;
  totalSteps: number;
  epochs: number;
}

const shapesOf = (policy: Policy, trainables: Trainables): { name: string; shape: number[] }[] => {
  const shapes = (policy.adapter ?? policy).weights.shapes;
  return trainables.list.map(({ name }) => ({ name, shape: shapes.get(name)! }));
};

/** Writes `checkpoint-N/`: the model or adapter, both moments of every trained parameter, and where the run stands. */
export async function saveCheckpoint(
  policy: Policy,
  trainables: Trainables,
  outputDir: string,
  run: ResumedRun,
  settings: RunSettings,
): Promise<string> {
  const { join } = await import("node:path");
  const shapes = new Map(shapesOf(policy, trainables).map(({ name, shape }) => [name, shape]));
  const moments = trainables.list.flatMap(({ name, firstMoment, secondMoment }) => {
    const { expAvg, expAvgSq } = momentNames(name);
    return (
      [
        [expAvg, firstMoment],
        [expAvgSq, secondMoment],
      ] as const
    ).map(([moment, tensor]) => ({
      name: moment,
      dtype: "F32" as const,
      shape: shapes.get(name)!,
      data: async () => fromFloat32((await read(policy.device, [{ tensor, length: tensor.bytes / 4 }]))[0]!, "F32"),
    }));
  });
  const state = {
    globalStep: run.step,
    maxSteps: settings.totalSteps,
    numTrainEpochs: settings.epochs,
    epoch: run.fraction,
    numTokens: run.tokens,
    seed: settings.seed,
    dataPosition: { epoch: run.epoch, microBatch: run.microBatch },
    rngState: {},
    hyperparameters: {},
  };
  return writeCheckpoint(outputDir, state, async (folder) => {
    await savePolicy(policy, folder);
    await writeSafetensors(join(folder, OPTIMIZER_FILE), moments);
  });
}

/** Restores weights, moments and position from a checkpoint; without one, the start of a run. Throws `ERR_CHECKPOINT` for a damaged one. */
export async function resumeFrom(
  policy: Policy,
  trainables: Trainables,
  checkpoint: string | undefined,
  settings: RunSettings,
): Promise<ResumedRun> {
  if (checkpoint === undefined) return { step: 0, epoch: 0, microBatch: 0, fraction: 0, tokens: 0 };
  await verifyCheckpoint(checkpoint);
  const state = await readTrainerState(checkpoint);
  if (state.seed !== settings.seed || state.maxSteps !== settings.totalSteps) {
    throw new RangeError(
      `train: ${checkpoint} is of a run with seed ${state.seed} and ${state.maxSteps} steps, this one has seed ${settings.seed} and ${settings.totalSteps}; resume with the same settings and data`,
    );
  }
  await restoreWeights(policy, checkpoint);
  await restoreMoments(policy, trainables, checkpoint);
  const { globalStep: step, dataPosition, epoch: fraction, numTokens: tokens } = state;
  return { step, ...dataPosition, fraction, tokens };
}

async function restoreWeights(policy: Policy, checkpoint: string): Promise<void> {
  const { device, config, weights, adapter } = policy;
  if (adapter) {
    const stored = uploadAdapter(device, await readAdapter(checkpoint, config));
    const encoder = device.gpu.createCommandEncoder();
    for (const [name, tensor] of stored.weights.tensors) {
      const target = weightOf(adapter.weights, name).place!;
      encoder.copyBufferToBuffer(tensor.place!.buffer, tensor.place!.offset, target.buffer, target.offset, tensor.bytes);
    }
    device.gpu.queue.submit([encoder.finish()]);
    await device.gpu.queue.onSubmittedWorkDone();
    stored.weights[Symbol.dispose]();
    return;
  }
  await using folder = await openModelFolder(checkpoint);
  const file = folder.weights;
  for (const { name } of parameterShapes(config)) {
    write(device, weightOf(weights, name), toFloat32(await file.read(name), file.tensors.get(name)!.dtype));
  }
}

async function restoreMoments(policy: Policy, trainables: Trainables, checkpoint: string): Promise<void> {
  const { join } = await import("node:path");
  await using file = await openSafetensors(join(checkpoint, OPTIMIZER_FILE));
  checkMoments(shapesOf(policy, trainables), file.tensors);
  for (const { name, firstMoment, secondMoment } of trainables.list) {
    const { expAvg, expAvgSq } = momentNames(name);
    write(policy.device, firstMoment, toFloat32(await file.read(expAvg), "F32"));
    write(policy.device, secondMoment, toFloat32(await file.read(expAvgSq), "F32"));
  }
}
