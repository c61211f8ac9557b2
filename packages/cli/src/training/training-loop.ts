import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  appendLog,
  type Device,
  deviceError,
  type LogEntry,
  pruneCheckpoints,
  readLog,
  type Training,
  type TrainingStep,
} from "@zephyr/train-webgpu";
import { interruptedError } from "../errors/usage-error.ts";
import type { Interrupt } from "../interrupt/interrupt.ts";
import type { Reporter } from "../progress/progress.ts";
import { type BestEvaluation, type BestEvaluationOptions, bestEvaluation, isOver } from "./best-evaluation.ts";
import { refuseExplodedLoss } from "./divergence.ts";
import type { RowTrail } from "./row-names.ts";
import { type RunFolder, writeJson } from "./run-folder.ts";
import type { Sampler } from "./samples.ts";
import type { Telemetry } from "./telemetry.ts";

/** When checkpoints are written, and which of them stay. */
export interface CheckpointSettings {
  /** 0: none but those of `loadBest` and of an interrupt. */
  saveSteps: number;
  /** How many stay; undefined: all. */
  saveTotalLimit: number | undefined;
  /** Every best evaluation is saved, and the final model is that of the best. */
  loadBest: boolean;
}

export interface TrainingLoop<B> {
  device: Device;
  training: Training<B>;
  folder: RunFolder;
  checkpoints: CheckpointSettings;
  evaluation: { batches: AsyncIterable<B>; steps: number | undefined } | undefined;
  /** How evaluations are compared; undefined without any. */
  best: BestEvaluationOptions | undefined;
  /** See `refuseExplodedLoss`. */
  lossLimit: number | undefined;
  trail: RowTrail<B>;
  telemetry: Telemetry;
  /** Undefined where nothing is sampled. */
  sampler: Sampler | undefined;
  reporter: Reporter;
  interrupt: Interrupt;
}

/** What a finished run says about itself. */
export interface TrainingSummary {
  steps: number;
  metrics: Record<string, number>;
  /** The steps that were planned; an early stop takes fewer. */
  maxSteps: number;
  best: BestEvaluation | undefined;
  /** The checkpoint whose model is the run's result, where that is not the model as it is now. */
  modelFrom: string | undefined;
}

/**
 * Runs a training to its end: a line of the log per step, evaluations, checkpoints. After an interrupt the step under way is finished
 * and saved as a checkpoint, and an interrupt is thrown. A device that is lost is `ERR_DEVICE_LOST`.
 */
export async function runTraining<B>(loop: TrainingLoop<B>): Promise<TrainingSummary> {
  try {
    return await runSteps(loop);
  } catch (error) {
    throw await deviceError(loop.device, error);
  }
}

async function runSteps<B>(loop: TrainingLoop<B>): Promise<TrainingSummary> {
  const { training, folder, checkpoints, best: options, reporter, interrupt } = loop;
  const history = await readLog(folder.logFile);
  const bestNow = (): BestEvaluation | undefined => options && bestEvaluation(history, options);
  const progress = reporter.progress("training");
  let best = bestNow();
  // A run that had stopped early is resumed: its model is the checkpoint that it goes on from.
  const wasOver = options !== undefined && isOver(best, options);
  let summary = lastLogged(history, wasOver ? folder.checkpoint : undefined);
  if (!wasOver) {
    if (folder.checkpoint === undefined) await loop.sampler?.sample(0);
    for await (const done of training) {
      const { step, totalSteps, epoch, metrics } = done;
      await append(folder, history, { step, ...metrics });
      await loop.telemetry.stepDone(done);
      refuseExploded(loop, history, step, metrics);
      progress.update(step, stepDetail(metrics), totalSteps);
      const isLast = step === totalSteps;
      summary = { steps: step, maxSteps: totalSteps, metrics };
      if (isEvaluationDue(loop, step, isLast)) {
        const held = await evaluate(loop, history, step, epoch);
        summary = { ...summary, metrics: { ...metrics, ...held } };
        best = bestNow();
      }
      const isOverNow = options !== undefined && isOver(best, options);
      if (loop.sampler?.isDue(step, isLast || isOverNow)) await loop.sampler.sample(step);
      const isBest = checkpoints.loadBest && best?.step === step;
      const isDue = checkpoints.saveSteps > 0 && step % checkpoints.saveSteps === 0;
      const isCut = interrupt.drain.aborted && !isLast && !isOverNow;
      if (isBest || isDue || isCut) await save(loop, best?.step);
      if (isOverNow) {
        reporter.note(
          `stopped early after step ${step}: ${best!.waited} evaluations without an improvement on step ${best!.step}`,
        );
        break;
      }
      if (isCut) {
        progress.end();
        throw interruptedError(
          `stopped after step ${step} of ${totalSteps}, which is saved; the same command with --resume goes on from there`,
        );
      }
      // Signals are delivered between turns of the event loop only.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  progress.end();
  const bestFolder = checkpoints.loadBest && best ? join(folder.path, `checkpoint-${best.step}`) : undefined;
  return { ...summary, best, modelFrom: bestFolder ?? (wasOver ? folder.checkpoint : undefined) };
}

const isEvaluationDue = <B>({ evaluation }: TrainingLoop<B>, step: number, isLast: boolean): boolean =>
  evaluation !== undefined && (evaluation.steps === undefined ? isLast : step % evaluation.steps === 0);

async function evaluate<B>(
  { training, evaluation, folder, telemetry, reporter }: TrainingLoop<B>,
  history: LogEntry[],
  step: number,
  epoch: number,
): Promise<Record<string, number>> {
  const held = await training.evaluate(evaluation!.batches);
  await append(folder, history, { step, epoch, ...held });
  await telemetry.evaluated(step, held);
  const shown = Object.entries(held).map(([name, value]) => `${name} ${value.toPrecision(4)}`);
  reporter.note(`step ${step}: ${shown.join("  ")}`);
  return held;
}

async function append({ logFile }: RunFolder, history: LogEntry[], line: LogEntry): Promise<void> {
  await appendLog(logFile, line);
  history.push(line);
}

async function save<B>({ training, folder, checkpoints }: TrainingLoop<B>, bestStep: number | undefined): Promise<void> {
  await training.saveCheckpoint(folder.path);
  const { saveTotalLimit, loadBest } = checkpoints;
  if (saveTotalLimit === undefined) return;
  await pruneCheckpoints(folder.path, { limit: saveTotalLimit, keep: loadBest ? bestStep : undefined });
}

function refuseExploded<B>(
  { lossLimit, trail }: TrainingLoop<B>,
  history: readonly LogEntry[],
  step: number,
  metrics: TrainingStep["metrics"],
): void {
  const first = history.find((line) => "loss" in line)?.["loss"];
  refuseExplodedLoss({ step, loss: metrics["loss"]!, firstLoss: Number(first), limit: lossLimit, rows: trail.take() });
}

/** Where the log ends: a run that was killed between its last step and its end has no step left. */
function lastLogged(
  history: readonly LogEntry[],
  checkpoint: string | undefined,
): Pick<TrainingSummary, "steps" | "metrics" | "maxSteps"> {
  const at = history.findLastIndex((line) => "loss" in line);
  const { step = 0, ...metrics } = history[at] ?? {};
  const { step: _, ...held } = history[at + 1] ?? {};
  const planned =
    checkpoint && (JSON.parse(readFileSync(join(checkpoint, "trainer_state.json"), "utf8")) as { max_steps: number });
  return {
    steps: step,
    maxSteps: planned ? planned.max_steps : step,
    metrics: { ...metrics, ...held } as Record<string, number>,
  };
}

function stepDetail({ loss, learning_rate, ...rest }: Record<string, number>): string {
  const parts = [`loss ${loss!.toFixed(4)}`, `lr ${learning_rate!.toExponential(2)}`];
  for (const [name, label] of [
    ["rewards/margins", "margin"],
    ["rewards/accuracies", "acc"],
  ] as const)
    if (rest[name] !== undefined) parts.push(`${label} ${rest[name].toFixed(3)}`);
  return parts.join("  ");
}

/** `trainer_state.json` of a finished run, with its whole log, as transformers writes it. */
export async function writeFinalState(
  folder: RunFolder,
  summary: TrainingSummary,
  flags: { numTrainEpochs: number; seed: number },
): Promise<void> {
  writeJson(join(folder.path, "trainer_state.json"), {
    global_step: summary.steps,
    max_steps: summary.maxSteps,
    num_train_epochs: flags.numTrainEpochs,
    epoch: summary.metrics["epoch"],
    num_input_tokens_seen: summary.metrics["num_tokens"],
    seed: flags.seed,
    ...(summary.best && { best_metric: summary.best.value, best_global_step: summary.best.step }),
    log_history: await readLog(folder.logFile),
  });
}
