import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import type { TrainingStep } from "@zephyr/train-webgpu";

/**
 * When each step was done. It stands beside the log and not in it, since the log of a run that was stopped and went on is that of one
 * that never was, byte for byte.
 */
export const TIMING_FILE = "timing.jsonl";

/** One line: the state after a step, or, with `begin`, the state from which a run began or went on. */
export interface TimingLine {
  step: number;
  max_steps: number;
  /** Seconds since 1970. */
  time: number;
  /** Rows and tokens that went through the model so far. */
  samples: number;
  num_tokens: number;
  /** Resident memory of the process. */
  memory_mib: number;
  begin?: true;
}

/** The clock of a run under way. */
export interface Timing {
  done(step: TrainingStep): Promise<void>;
}

/** Starts the clock of a run on `rows` rows; lines are written from its first step on. */
export function beginTiming(folder: string, rows: number, now: () => number = Date.now): Timing {
  const path = join(folder, TIMING_FILE);
  const began = now();
  let before: Pick<TimingLine, "samples" | "num_tokens"> | undefined;
  return {
    async done({ step, totalSteps, epoch, metrics }) {
      const line: TimingLine = {
        step,
        max_steps: totalSteps,
        time: now() / 1000,
        samples: Math.round(epoch * rows),
        num_tokens: metrics["num_tokens"] ?? 0,
        memory_mib: Math.round(process.memoryUsage.rss() / 2 ** 20),
      };
      // What went before the first step of a run that goes on is not known; its rate is left out by the reader.
      const lines = before === undefined ? [{ ...line, step: step - 1, time: began / 1000, begin: true as const }, line] : [line];
      before = line;
      await appendFile(path, lines.map((each) => `${JSON.stringify(each)}\n`).join(""));
    },
  };
}
