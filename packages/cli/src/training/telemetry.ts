import type { TrainingStep } from "@zephyr/train-webgpu";
import { beginEventFile, type EventFile } from "../tensorboard/event-file.ts";
import { beginTiming } from "./timing.ts";

/** What a run writes for those who watch it, beside its log. */
export interface Telemetry {
  stepDone(step: TrainingStep): Promise<void>;
  /** Metrics of held-out rows, named `eval_*`. */
  evaluated(step: number, held: Readonly<Record<string, number>>): Promise<void>;
}

export interface TelemetryOptions {
  folder: string;
  /** Rows of an epoch. */
  rows: number;
  /** `--report-to`. */
  reportTo: "none" | "tensorboard";
}

/** Times every step; under `--report-to tensorboard` also writes an event file, begun at the first step. */
export function openTelemetry({ folder, rows, reportTo }: TelemetryOptions): Telemetry {
  const timing = beginTiming(folder, rows);
  let events: EventFile | undefined;
  return {
    async stepDone(step) {
      await timing.done(step);
      if (reportTo === "none") return;
      events ??= await beginEventFile(folder, step.step);
      await events.append(step.step, step.metrics);
    },
    async evaluated(step, held) {
      await events?.append(step, held);
    },
  };
}
