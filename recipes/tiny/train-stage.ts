import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  appendLog,
  cutLog,
  LOG_FILE,
  listCheckpoints,
  newestGoodCheckpoint,
  type Policy,
  type Training,
  type TrainingStep,
} from "@zephyr/train-webgpu";
import { startProgress } from "./progress.ts";

export interface TrainStage<B> {
  title: string;
  policy: Policy;
  /** Where log, checkpoints and the final model go. */
  output: string;
  saveSteps: number;
  training: (resumeFrom: string | undefined) => Training<B>;
  /** Called after every step. */
  onStep?: (step: TrainingStep) => Promise<void>;
  /** Held-out batches, looked at every `saveSteps` steps. */
  held?: AsyncIterable<B>;
}

/** Runs a training to its end from its newest whole checkpoint, keeps the log, and saves the model; returns the last metrics. */
export async function trainStage<B>({
  title,
  policy,
  output,
  saveSteps,
  training,
  onStep,
  held,
}: TrainStage<B>): Promise<Record<string, number>> {
  mkdirSync(output, { recursive: true });
  const { checkpoint } = await newestGoodCheckpoint(output);
  const log = join(output, LOG_FILE);
  await cutLog(log, checkpoint?.step ?? 0);
  const run = training(checkpoint?.path);
  const progress = startProgress(title);
  let last: Record<string, number> = {};
  for await (const step of run) {
    last = step.metrics;
    await appendLog(log, { step: step.step, ...step.metrics });
    progress.update(step.step, step.totalSteps, note(step.metrics));
    if (step.step % saveSteps === 0 || step.step === step.totalSteps) {
      if (held) await appendLog(log, { step: step.step, ...(await run.evaluate(held)) });
      if (step.step < step.totalSteps) await run.saveCheckpoint(output);
    }
    await onStep?.(step);
  }
  await policy.save(output);
  for (const { path } of await listCheckpoints(output)) rmSync(path, { recursive: true, force: true });
  progress.end(note(last));
  return last;
}

function note(metrics: Record<string, number>): string {
  const accuracy = metrics["rewards/accuracies"];
  const margin = metrics["rewards/margins"];
  const rewards = accuracy === undefined ? "" : `  accuracy ${accuracy.toFixed(2)}  margin ${margin!.toFixed(2)}`;
  return `loss ${metrics["loss"]?.toFixed(3)}${rewards}`;
}
