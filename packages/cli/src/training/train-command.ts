import { existsSync } from "node:fs";
import { join } from "node:path";
import { collectRows, loadTokenizer, pipe, rowsOf, type Tokenizer, type Transform, type UntypedRow } from "@zephyr/data";
import {
  copyCheckpointModel,
  type Device,
  type KernelProfile,
  loadModel,
  measureRoof,
  type Policy,
  type Roof,
  requestDevice,
  savePolicy,
  type Training,
  type TrainingOptions,
} from "@zephyr/train-webgpu";
import type { Invocation, Outcome } from "../commands/command.ts";
import { number } from "../flags/flag.ts";
import type { trainingFlags } from "../flags/training-flags.ts";
import { refuseTooLarge, shapeOfRun } from "../inspect/inspect-training.ts";
import { untilInterrupted } from "../interrupt/interrupt.ts";
import { checkTemplate, templateOfRun } from "../models/chat-template.ts";
import { type DataSource, dataSource, modelFolder } from "../models/sources.ts";
import { refuseForeignIds } from "./check-ids.ts";
import { epochRows } from "./epoch-order.ts";
import { profileTable } from "./profile-table.ts";
import { namingRows, rowTrail } from "./row-names.ts";
import { openRunFolder, type RunFolder, recorded } from "./run-folder.ts";
import { createSampler, type SamplePrompt, samplePrompts } from "./samples.ts";
import { openTelemetry } from "./telemetry.ts";
import { runTraining, type TrainingSummary, writeFinalState } from "./training-loop.ts";
import {
  adapterOptions,
  bestOptions,
  checkTrainingFlags,
  freeOnResume,
  samplingSettings,
  trainingOptions,
} from "./training-settings.ts";

export const learningRate = (fallback: number) => number({ help: "peak learning rate", default: fallback, min: 0 });
type TrainFlags = typeof trainingFlags & { learningRate: ReturnType<typeof learningRate> };
export type TrainInvocation = Invocation<TrainFlags>;

/** A run's model on its device, and the folder that it writes to. */
export interface LoadedRun {
  device: Device;
  policy: Policy;
  folder: RunFolder;
  /** The model's folder on disk. */
  model: string;
}

/** What tells one trainer from another: `R` its rows as token ids, `B` its batches. */
export interface TrainerGlue<R extends object, B> {
  /** Text to ids; `held` are the rows of an evaluation. */
  tokenize(tokenizer: Tokenizer | undefined, held: boolean): Transform<UntypedRow, R>;
  /** Completes rows with what only a model knows, such as the reference's log-probabilities. */
  score?(rows: R[], source: DataSource, run: LoadedRun): Promise<R[]>;
  collate(rows: AsyncIterable<R>, size: number): AsyncIterable<B>;
  start(run: LoadedRun, options: Omit<TrainingOptions, "policy">, batches: (epoch: number) => AsyncIterable<B>): Training<B>;
}

/** From flags to a trained model: checks everything that can be checked first, prepares the rows, trains, saves. */
export async function trainCommand<R extends object, B extends { rowIds?: string[] }>(
  { flags, reporter, interrupt }: TrainInvocation,
  glue: TrainerGlue<R, B>,
): Promise<Outcome> {
  const started = performance.now();
  checkTrainingFlags(flags);
  const template = templateOfRun(flags);
  const model = await modelFolder(flags.model, "--model");
  const source = await dataSource(flags.data, "--data", flags.datasetTrainSplit);
  const heldSource =
    flags.evalData === undefined ? undefined : await dataSource(flags.evalData, "--eval-data", flags.datasetTestSplit);
  const tokenizer = existsSync(join(model, "tokenizer.json"))
    ? await loadTokenizer(model, { chatTemplate: template })
    : undefined;
  await checkTemplate(tokenizer, source.rows, flags.model);
  const prompts = await promptsToSample(flags, heldSource, tokenizer);
  const settings = { ...recorded(flags, freeOnResume(flags)), data_sha256: await source.fingerprint() };
  using folder = await openRunFolder({
    path: flags.output,
    resume: flags.resume,
    overwrite: flags.overwrite,
    settings,
    reporter,
  });
  const tokenized = (from: DataSource, held: boolean): Promise<R[]> =>
    collectRows(pipe(from.rows, untilInterrupted<UntypedRow>(interrupt), namingRows(glue.tokenize(tokenizer, held))));
  let begun = false;
  try {
    let rows = await tokenized(source, false);
    if (rows.length === 0) throw new RangeError(`--data ${flags.data} has no rows to train on; give at least one`);
    let held = heldSource && (await tokenized(heldSource, true));
    using device = await requestDevice({
      onProgress: (message) => reporter.status(message),
      profile: flags.profile,
      ...(flags.fp16 && { adapterClass: "matrix" }),
    });
    await refuseTooLarge(device, model, shapeOfRun(adapterOptions(flags), rows, flags));
    using policy = await loadModel(device, model, { ...adapterOptions(flags), chatTemplate: template });
    refuseForeignIds(rows, policy.config.vocabSize, "--data");
    refuseForeignIds(held ?? [], policy.config.vocabSize, "--eval-data");
    const run: LoadedRun = { device, policy, folder, model };
    if (glue.score) {
      rows = await glue.score(rows, source, run);
      if (held) held = await glue.score(held, heldSource!, run);
    }
    const inEpoch = epochRows(rows, flags.trainSamplingStrategy, flags.seed);
    const trail = rowTrail<B>(flags.gradientAccumulationSteps);
    const batches = (epoch: number) => trail.follow(glue.collate(inEpoch(epoch), flags.perDeviceTrainBatchSize));
    const options = { ...trainingOptions(flags), ...(folder.checkpoint !== undefined && { resumeFrom: folder.checkpoint }) };
    const evaluation = held && { batches: glue.collate(rowsOf(held), flags.perDeviceEvalBatchSize), steps: flags.evalSteps };
    using sampler = prompts && createSampler(policy, folder.path, prompts, samplingSettings(flags));
    begun = true;
    const training = glue.start(run, options, batches);
    const { saveSteps, saveTotalLimit, loadBestModelAtEnd: loadBest, lossLimit } = flags;
    const checkpoints = { saveSteps, saveTotalLimit, loadBest };
    const best = bestOptions(flags);
    const telemetry = openTelemetry({ folder: folder.path, rows: rows.length, reportTo: flags.reportTo });
    const reports = { device, trail, telemetry, sampler, reporter };
    const summary = await runTraining({ training, folder, checkpoints, evaluation, best, lossLimit, ...reports, interrupt });
    if (summary.modelFrom === undefined) await savePolicy(policy, folder.path);
    else await copyCheckpointModel(summary.modelFrom, folder.path);
    await writeFinalState(folder, summary, flags);
    const seconds = (performance.now() - started) / 1000;
    const kernels = await device.profiler?.report();
    const profile = kernels && { kernels, roof: await measureRoof(device) };
    return outcome(run, summary, seconds, profile);
  } catch (error) {
    if (!begun || !existsSync(folder.logFile)) folder.abandon();
    throw error;
  }
}

/** What `--sample-prompts` or the held-out rows ask; undefined where nothing is to be sampled. */
async function promptsToSample(
  { samplePrompts: given, sampleSteps, sampleNumPrompts: count, datasetTestSplit }: TrainInvocation["flags"],
  held: DataSource | undefined,
  tokenizer: Tokenizer | undefined,
): Promise<SamplePrompt[] | undefined> {
  if (given !== undefined) {
    const { rows } = await dataSource(given, "--sample-prompts", datasetTestSplit);
    return samplePrompts(rows, { count, flag: `--sample-prompts ${given}`, tokenizer });
  }
  if (sampleSteps === undefined) return undefined;
  return samplePrompts(held!.rows, { count, flag: "--eval-data", tokenizer });
}

function outcome(
  { device, folder }: LoadedRun,
  { steps, metrics }: TrainingSummary,
  seconds: number,
  profile: { kernels: KernelProfile[]; roof: Roof } | undefined,
): Outcome {
  const { description } = device.adapter;
  return {
    result: {
      output: folder.path,
      steps,
      metrics,
      seconds,
      adapter: description,
      adapter_class: device.adapterClass,
      ...(profile && { profile }),
    },
    lines: [
      ...(profile ? profileTable(profile.kernels, profile.roof) : []),
      `${folder.path}: ${steps} steps in ${seconds.toFixed(1)} s on ${description}, ${shortMetrics(metrics)}`,
    ],
  };
}

function shortMetrics(metrics: Record<string, number>): string {
  const names = ["loss", "rewards/margins", "rewards/accuracies", "eval_loss"].filter((name) => metrics[name] !== undefined);
  return names.map((name) => `${name} ${metrics[name]!.toFixed(4)}`).join(", ");
}
