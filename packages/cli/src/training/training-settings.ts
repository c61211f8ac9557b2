import type { LoadModelOptions, TrainingOptions } from "@zephyr/train-webgpu";
import { usageError } from "../errors/usage-error.ts";
import type { FlagValues } from "../flags/flag.ts";
import type { adapterFlags, monitoringFlags, optimizationFlags, trainingFlags } from "../flags/training-flags.ts";
import { type BestEvaluationOptions, metricNamed } from "./best-evaluation.ts";
import type { SamplingSettings } from "./samples.ts";

/** Flags that the numbers do not depend on, or that say where things lie: free to change on a resume. */
export const FREE_ON_RESUME = [
  "model",
  "refModel",
  "data",
  "output",
  "resume",
  "overwrite",
  "saveSteps",
  "saveTotalLimit",
  "evalData",
  "evalSteps",
  "perDeviceEvalBatchSize",
  "gradientCheckpointing",
  "profile",
  "lossLimit",
  "reportTo",
  "samplePrompts",
  "sampleSteps",
  "sampleNumPrompts",
  "sampleMaxTokens",
  "sampleTemperature",
] as const;

/** What `settings` leaves out of a run's record: under early stopping and `--load-best-model-at-end` evaluations decide the result. */
export function freeOnResume(flags: FlagValues<typeof trainingFlags>): readonly string[] {
  const decide = flags.earlyStoppingPatience !== undefined || flags.loadBestModelAtEnd;
  return FREE_ON_RESUME.filter((name) => !(decide && (name === "evalSteps" || name === "perDeviceEvalBatchSize")));
}

/** How evaluations are compared; undefined where there are none. */
export function bestOptions(flags: FlagValues<typeof trainingFlags>): BestEvaluationOptions | undefined {
  if (flags.evalData === undefined) return undefined;
  const { metric, greaterIsBetter } = metricNamed(flags.metricForBestModel);
  return {
    metric,
    greaterIsBetter: flags.greaterIsBetter ?? greaterIsBetter,
    patience: flags.earlyStoppingPatience,
    threshold: flags.earlyStoppingThreshold,
  };
}

/** Throws a usage error for flags that contradict each other or that the engine cannot honour yet. */
export function checkTrainingFlags(flags: FlagValues<typeof trainingFlags>): void {
  const { resume, overwrite, warmupRatio, warmupSteps, maxSteps, evalSteps, evalData } = flags;
  if (resume && overwrite) throw usageError("--resume and --overwrite are both given; give one");
  if (warmupRatio !== undefined && warmupSteps !== undefined)
    throw usageError("--warmup-ratio and --warmup-steps are both given; give one");
  if (warmupSteps !== undefined && warmupSteps > 1 && !Number.isInteger(warmupSteps)) {
    throw usageError(`--warmup-steps is ${warmupSteps}; give a whole number of steps or a fraction below 1`);
  }
  if (maxSteps === 0) throw usageError("--max-steps is 0; give a whole number from 1, or leave it out");
  if (evalSteps !== undefined && evalData === undefined)
    throw usageError("--eval-steps is given without --eval-data; give the held-out rows");
  if (flags.sampleSteps !== undefined && flags.samplePrompts === undefined && evalData === undefined)
    throw usageError("--sample-steps is given without --sample-prompts or --eval-data; give the prompts that are answered");
  checkBest(flags);
  checkAdapter(flags);
}

function checkBest({ evalData, evalSteps, ...flags }: FlagValues<typeof trainingFlags>): void {
  for (const [name, given] of [
    ["--load-best-model-at-end", flags.loadBestModelAtEnd],
    ["--early-stopping-patience", flags.earlyStoppingPatience !== undefined],
  ] as const)
    if (given && (evalData === undefined || evalSteps === undefined))
      throw usageError(`${name} needs evaluations; give --eval-data and --eval-steps`);
}

function checkAdapter(flags: FlagValues<typeof adapterFlags>): void {
  const { loraR, loraAlpha, loraTargetModules, loraDropout, initAdapter, dtype } = flags;
  if (dtype !== "f32" && loraR === undefined && initAdapter === undefined)
    throw usageError(`--dtype ${dtype} keeps the base weights frozen; give --lora-r or --init-adapter, or --dtype f32`);
  if (loraDropout !== undefined && loraR === undefined)
    throw usageError("--lora-dropout is given without --lora-r; give the rank, too (an adapter of --init-adapter keeps its own)");
  if (loraR !== undefined && initAdapter !== undefined)
    throw usageError("--lora-r and --init-adapter are both given; a fresh adapter or the one of a folder, not both");
  if (loraR === undefined && (loraAlpha !== undefined || loraTargetModules !== undefined)) {
    throw usageError(
      `--lora-${loraAlpha === undefined ? "target-modules" : "alpha"} is given without --lora-r; give the rank, too`,
    );
  }
}

/** The adapter that `loadModel` makes or reads. */
export function adapterOptions(flags: FlagValues<typeof adapterFlags> & { seed: number }): LoadModelOptions {
  const { loraR, loraAlpha = 32, loraTargetModules, loraDropout: dropout = 0, initAdapter, seed, dtype } = flags;
  if (initAdapter !== undefined) return { adapter: initAdapter, dtype };
  if (loraR === undefined) return { dtype };
  const everything = loraTargetModules === undefined || (loraTargetModules.length === 1 && loraTargetModules[0] === "all-linear");
  return {
    lora: { r: loraR, alpha: loraAlpha, targetModules: everything ? "all-linear" : loraTargetModules, dropout },
    seed,
    dtype,
  };
}

/** The trainers' options, without policy and batches. */
export function trainingOptions(
  flags: FlagValues<typeof optimizationFlags> & { learningRate: number },
): Omit<TrainingOptions, "policy"> {
  const { warmupRatio, warmupSteps, maxSteps, lrSchedulerKwargs } = flags;
  return {
    learningRate: flags.learningRate,
    schedule: flags.lrSchedulerType,
    ...(lrSchedulerKwargs && { scheduleOptions: camelKeys(lrSchedulerKwargs) }),
    ...(warmupRatio !== undefined && { warmupRatio }),
    ...(warmupSteps !== undefined && { warmupSteps }),
    epochs: flags.numTrainEpochs,
    ...(maxSteps > 0 && { maxSteps }),
    gradientAccumulationSteps: flags.gradientAccumulationSteps,
    weightDecay: flags.weightDecay,
    adamBeta1: flags.adamBeta1,
    adamBeta2: flags.adamBeta2,
    adamEpsilon: flags.adamEpsilon,
    maxGradNorm: flags.maxGradNorm,
    activationCheckpointing: flags.gradientCheckpointing,
    seed: flags.seed,
  };
}

/** When and how the model is sampled while it learns. */
export function samplingSettings({
  sampleSteps: steps,
  sampleMaxTokens: maxTokens,
  sampleTemperature: temperature,
  seed,
}: FlagValues<typeof monitoringFlags> & { seed: number }): SamplingSettings {
  return { steps, maxTokens, temperature, seed };
}

function camelKeys(settings: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}
