import { join } from "node:path";
import { appendLog, readLog, type Training } from "@zephyr/train-webgpu";
import { interruptedError } from "../errors/usage-error.ts";
import type { Interrupt } from "../interrupt/interrupt.ts";
import type { Reporter } from "../progress/progress.ts";
import { type RunFolder, writeJson } from "./run-folder.ts";

export interface TrainingLoop<B> {
  training: Training<B>;
  folder: RunFolder;
  /** 0: no checkpoints. */
  saveSteps: number;
  evaluation: { batches: AsyncIterable<B>; steps: number | undefined } | undefined;
  reporter: Reporter;
  interrupt: Interrupt;
}

/** What a finished run says about itself. */
export interface TrainingSummary {
  steps: number;
  metrics: Record<string, number>;
}

/**
 * Runs a training to its end: a line of the log per step, evaluations, checkpoints. After an interrupt the step under way is finished
 * and saved as a checkpoint, and an interrupt is thrown.
 */
export async function runTraining<B>({
  training,
  folder,
  saveSteps,
  evaluation,
  reporter,
  interrupt,
}: TrainingLoop<B>): Promise<TrainingSummary> {
  const progress = reporter.progress("training");
  let summary: TrainingSummary | undefined;
  for await (const { step, totalSteps, epoch, metrics } of training) {
    await appendLog(folder.logFile, { step, ...metrics });
    progress.update(step, stepDetail(metrics), totalSteps);
    const isLast = step === totalSteps;
    summary = { steps: step, metrics };
    if (evaluation && (evaluation.steps === undefined ? isLast : step % evaluation.steps === 0)) {
      const held = await training.evaluate(evaluation.batches);
      await appendLog(folder.logFile, { step, epoch, ...held });
      reporter.note(
        `step ${step}: ${Object.entries(held)
          .map(([name, value]) => `${name} ${value.toPrecision(4)}`)
          .join("  ")}`,
      );
      summary = { steps: step, metrics: { ...metrics, ...held } };
    }
    const isDue = saveSteps > 0 && step % saveSteps === 0;
    if (isDue || (interrupt.drain.aborted && !isLast)) await training.saveCheckpoint(folder.path);
    if (interrupt.drain.aborted && !isLast) {
      progress.end();
      throw interruptedError(
        `stopped after step ${step} of ${totalSteps}, which is saved; the same command with --resume goes on from there`,
      );
    }
    // Signals are delivered between turns of the event loop only.
    await new Promise((resolve) => setImmediate(resolve));
  }
  progress.end();
  return summary ?? lastLogged(folder);
}

/** A run that was killed between its last step and its end has no step left. */
async function lastLogged({ logFile }: RunFolder): Promise<TrainingSummary> {
  const entry = (await readLog(logFile)).findLast((line) => "loss" in line);
  const { step = 0, ...metrics } = entry ?? {};
  return { steps: step, metrics: metrics as Record<string, number> };
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
    max_steps: summary.steps,
    num_train_epochs: flags.numTrainEpochs,
    epoch: summary.metrics["epoch"],
    num_input_tokens_seen: summary.metrics["num_tokens"],
    seed: flags.seed,
    log_history: await readLog(folder.logFile),
  });
}
