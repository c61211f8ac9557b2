import type { Policy } from "../model/policy.ts";
import { withinMemory } from "../plan/out-of-memory.ts";
import { read } from "../plan/upload.ts";
import { learningRateAt, resolveWarmupSteps } from "../schedule/learning-rate.ts";
import type { ScheduleName, ScheduleOptions } from "../schedule/schedules.ts";
import { type ResumedRun, resumeFrom, saveCheckpoint } from "./checkpoint.ts";
import { createOptimizer, type Optimizer } from "./optimizer.ts";
import { createTrainables, type Trainables } from "./trainables.ts";

/** Batches of one epoch after another: the same every epoch, or a function of the epoch (0, 1, ...) that orders them anew. */
export type Batches<B> = AsyncIterable<B> | ((epoch: number) => AsyncIterable<B>);

/** What every trainer takes; the defaults are Hugging Face's and TRL's. */
export interface TrainingOptions {
  policy: Policy;
  /** Peak learning rate. */
  learningRate: number;
  /** "linear" by default. */
  schedule?: ScheduleName;
  scheduleOptions?: ScheduleOptions;
  /** Fraction of the run, or else steps, over which the learning rate rises from 0. */
  warmupRatio?: number;
  warmupSteps?: number;
  /** Passes over the batches, 1 by default; a fraction ends inside one. */
  epochs?: number;
  /** Optimizer steps; wins over epochs. */
  maxSteps?: number;
  /** Batches per optimizer step, 1 by default. */
  gradientAccumulationSteps?: number;
  weightDecay?: number;
  adamBeta1?: number;
  adamBeta2?: number;
  adamEpsilon?: number;
  /** 1 by default; 0 switches clipping off. */
  maxGradNorm?: number;
  /** Keep only each layer's input for the backward pass and compute the rest again: less memory, a third more time, the same bits. */
  activationCheckpointing?: boolean;
  /** A checkpoint folder to go on from: weights, moments and data position are restored, bit for bit. */
  resumeFrom?: string;
  /** Recorded in checkpoints; the order of the batches and fresh adapters come from it. */
  seed?: number;
}

/** One optimizer step, after it was taken. */
export interface TrainingStep {
  /** Counted from 1. */
  step: number;
  totalSteps: number;
  epoch: number;
  /** TRL's names: loss, grad_norm, learning_rate, num_tokens, ... */
  metrics: Record<string, number>;
}

/** A training run: iterate it for its steps; the caller logs, evaluates, saves or breaks. */
export interface Training<B> extends AsyncIterable<TrainingStep> {
  /** Metrics of held-out batches under the policy as it is now, named `eval_*`. */
  evaluate(batches: AsyncIterable<B>): Promise<Record<string, number>>;
  /** Writes `checkpoint-N/` into a run's folder: model or adapter, moments, position. */
  saveCheckpoint(outputDir: string): Promise<string>;
}

/** What a micro-batch's objective does; each trainer has its own. */
export interface Objective<B> extends Disposable {
  /** Forward and backward of the micro-batches of one optimizer step; returns the metrics of the step (counted from 1) but for the trainer's own. */
  accumulate(window: B[], trainables: Trainables, step: number): Promise<Record<string, number>>;
  /** Metrics of held-out batches. */
  evaluate(batches: AsyncIterable<B>, trainables: Trainables): Promise<Record<string, number>>;
  /** Whether the adapter's dropout is at work. */
  dropout?: boolean;
  tokens(batch: B): number;
  rowIds(batch: B): string[];
}

/** The loop that all trainers share. */
export function train<B>(options: TrainingOptions & { batches: Batches<B> }, objective: Objective<B>): Training<B> {
  const {
    policy,
    batches,
    learningRate,
    schedule = "linear",
    scheduleOptions = {},
    epochs = 1,
    maxSteps,
    gradientAccumulationSteps: accumulation = 1,
    seed = 0,
  } = options;
  checkOptions(options);
  const epochBatches = (epoch: number): AsyncIterable<B> => (typeof batches === "function" ? batches(epoch) : batches);
  let running: { trainables: Trainables; state: ResumedRun; totalSteps: number } | undefined;

  async function* steps(): AsyncGenerator<TrainingStep> {
    const perEpoch = await count(epochBatches(0));
    if (perEpoch === 0) throw new RangeError("train: there are no batches; give at least one");
    const totalSteps = maxSteps ?? Math.ceil(epochs * Math.ceil(perEpoch / accumulation));
    const warmupSteps = resolveWarmupSteps(totalSteps, pick(options, ["warmupSteps", "warmupRatio"]));
    const dropoutSeed = objective.dropout ? seed : undefined;
    using trainables = await withinMemory(policy.device, "train", () => createTrainables(policy, { dropoutSeed }));
    using optimizer = await createOptimizer(policy.device, trainables, optimizerSettings(options));
    const state = await resumeFrom(policy, trainables, options.resumeFrom, { seed, totalSteps, epochs });
    running = { trainables, state, totalSteps };
    try {
      for (let epoch = state.epoch; state.step < totalSteps; epoch++) {
        for await (const window of windows(epochBatches(epoch), accumulation, state.microBatch)) {
          const metrics = await objective.accumulate(window, trainables, state.step + 1);
          const rate = learningRateAt(state.step, { schedule, learningRate, totalSteps, warmupSteps, scheduleOptions });
          optimizer.step(state.step + 1, rate);
          const gradNorm = await gradientNorm(policy, optimizer);
          refuseNonFinite(
            metrics,
            gradNorm,
            state.step + 1,
            window.flatMap((batch) => objective.rowIds(batch)),
          );
          state.step++;
          state.microBatch += window.length;
          state.tokens += window.reduce((sum, batch) => sum + objective.tokens(batch), 0);
          state.epoch = epoch;
          state.fraction = epoch + Math.min(1, state.microBatch / perEpoch);
          const { loss, ...others } = metrics;
          const all = {
            loss: loss!,
            grad_norm: gradNorm,
            learning_rate: rate,
            ...others,
            num_tokens: state.tokens,
            epoch: state.fraction,
          };
          yield { step: state.step, totalSteps, epoch: state.fraction, metrics: all };
          if (state.step >= totalSteps) return;
        }
        state.microBatch = 0;
        state.epoch = epoch + 1;
      }
    } finally {
      running = undefined;
      objective[Symbol.dispose]();
    }
  }

  const inProgress = (call: string) => {
    if (!running) throw new Error(`${call}: the run is not in progress; call it inside the loop over its steps`);
    return running;
  };
  return {
    [Symbol.asyncIterator]: steps,
    evaluate: async (held) => prefixed("eval_", await objective.evaluate(held, inProgress("evaluate").trainables)),
    saveCheckpoint: async (outputDir) => {
      const { trainables, state, totalSteps } = inProgress("saveCheckpoint");
      return saveCheckpoint(policy, trainables, outputDir, state, { seed, totalSteps, epochs });
    },
  };
}

function optimizerSettings({
  weightDecay = 0,
  adamBeta1 = 0.9,
  adamBeta2 = 0.999,
  adamEpsilon = 1e-8,
  maxGradNorm = 1,
}: TrainingOptions) {
  return { weightDecay, adamBeta1, adamBeta2, adamEpsilon, maxGradNorm };
}

function checkOptions({ learningRate, epochs = 1, maxSteps, gradientAccumulationSteps = 1 }: TrainingOptions): void {
  if (!(learningRate >= 0)) throw new RangeError(`train: learningRate is ${learningRate}; give a number from 0`);
  if (!(epochs > 0)) throw new RangeError(`train: epochs is ${epochs}; give a number above 0`);
  for (const [name, value] of Object.entries({ maxSteps, gradientAccumulationSteps })) {
    if (value !== undefined && (!Number.isInteger(value) || value < 1))
      throw new RangeError(`train: ${name} is ${value}; give a whole number from 1`);
  }
}

async function count(batches: AsyncIterable<unknown>): Promise<number> {
  let total = 0;
  for await (const _ of batches) total++;
  return total;
}

/** Groups of `size` batches, the last may be smaller, leaving out the first `skip` batches. */
async function* windows<B>(batches: AsyncIterable<B>, size: number, skip: number): AsyncGenerator<B[]> {
  let window: B[] = [];
  let index = 0;
  for await (const batch of batches) {
    if (index++ < skip) continue;
    window.push(batch);
    if (window.length < size) continue;
    yield window;
    window = [];
  }
  if (window.length > 0) yield window;
}

async function gradientNorm(policy: Policy, optimizer: Optimizer): Promise<number> {
  const [values] = await read(policy.device, [{ tensor: optimizer.norm, length: 1 }]);
  return values![0]!;
}

/** The optimizer has left the weights as they were: a gradient that is not finite moves nothing. */
function refuseNonFinite(metrics: Record<string, number>, gradNorm: number, step: number, rowIds: string[]): void {
  const loss = metrics["loss"]!;
  if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return;
  const rows =
    rowIds.length > 0 ? `; the step's rows are ${rowIds.slice(0, 8).join(", ")}${rowIds.length > 8 ? ", ..." : ""}` : "";
  throw Object.assign(
    new RangeError(
      `train: step ${step} has loss ${loss} and gradient norm ${gradNorm}; the weights are those of step ${step - 1}${rows}; lower the learning rate or look at these rows`,
    ),
    { code: "ERR_NON_FINITE", step, rowIds },
  );
}

function prefixed(prefix: string, metrics: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${prefix}${name}`, value]));
}

function pick<T extends object, K extends keyof T>(from: T, keys: K[]): { [P in K]?: NonNullable<T[P]> } {
  const entries = keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]);
  return Object.fromEntries(entries) as { [P in K]?: NonNullable<T[P]> };
}
