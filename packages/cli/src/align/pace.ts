import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PROGRESS_SUFFIX } from "@zephyr/aif";
import { TIMING_FILE, type TimingLine } from "../training/timing.ts";
import { runClock } from "../watch/run-clock.ts";

/** What a training run that was begun needs for its remaining steps, at the speed of its last ones. */
export function paceOfTraining(output: string): { seconds_left?: number } {
  const file = join(output, TIMING_FILE);
  if (!existsSync(file)) return {};
  const clock = runClock();
  // What comes after the last line's end is torn.
  for (const line of readFileSync(file, "utf8").split("\n").slice(0, -1)) clock.tick(JSON.parse(line) as TimingLine);
  const left = clock.secondsLeft();
  return left === undefined ? {} : { seconds_left: left };
}

/** What a feedback job that was begun needs for its remaining answers, at its pace. */
export function paceOfFeedback(output: string): { seconds_left?: number } {
  const file = output + PROGRESS_SUFFIX;
  if (!existsSync(file)) return {};
  const { rows, began, updated } = JSON.parse(readFileSync(file, "utf8")) as {
    rows: { done: number; failed: number; total: number };
    began: number;
    updated: number;
  };
  const finished = rows.done + rows.failed;
  return finished > 0 ? { seconds_left: ((updated - began) / finished) * Math.max(0, rows.total - finished) } : {};
}

/** Requests of a job cannot be sent faster than `requests_per_minute` allows the slowest of its models. */
export function leastTime(
  { models }: { models: Record<string, { requests: number }> },
  config: Record<string, unknown>,
): { least_seconds?: number } {
  const described = [config["models"], config["judge"], config["user"], config["assistant"]].flat() as (
    | { name?: unknown; model?: unknown; requests_per_minute?: unknown }
    | undefined
  )[];
  const seconds = described.flatMap((one) => {
    const requests = models[String(one?.name ?? one?.model)]?.requests;
    const perMinute = one?.requests_per_minute;
    return requests !== undefined && typeof perMinute === "number" ? [(60 * requests) / perMinute] : [];
  });
  return seconds.length > 0 ? { least_seconds: Math.max(...seconds) } : {};
}
