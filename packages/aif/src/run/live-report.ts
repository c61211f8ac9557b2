import { renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Model } from "../model.ts";
import type { Progress } from "../stage.ts";
import { type LiveState, progressLine, projectedCost, secondsLeft } from "./progress-line.ts";
import type { RunResult } from "./run-stage.ts";

/** `OUTPUT.progress.json`: where a run stands, for whoever watches it. It is replaced as a whole, at most every second and at the end. */
export interface ProgressReport {
  command: string;
  output: string;
  /** "failed": it ended with an error of its input or its disk. A run that was killed says "running" for ever: see `pid`. */
  status: "running" | "failed" | RunResult["status"];
  /** Why it ended, where that was not success. */
  reason?: string;
  pid: number;
  host: string;
  /** Seconds since 1970. */
  began: number;
  updated: number;
  /** `total`: of the input; of generated dialogues at most so many. */
  rows: { done: number; failed: number; duplicates: number; total: number };
  /** `total`: as planned. */
  requests: RequestCounts;
  tokens: { prompt: number; completion: number };
  cost_usd: number;
  /** Of the whole run; null until every model has answered. */
  projected_cost_usd: number | null;
  budget_usd: number | null;
  rows_per_second: number | null;
  seconds_left: number | null;
  /** How often each came. */
  warnings: Record<string, number>;
  models: Record<
    string,
    RequestCounts & {
      prompt_tokens: number;
      completion_tokens: number;
      cost_usd: number;
      /** How long it is parked after a refusal. */
      waits_seconds: number;
    }
  >;
}

interface RequestCounts {
  answered: number;
  resumed: number;
  failed: number;
  total: number;
}

export interface LiveReportOptions {
  command: string;
  output: string;
  /** The progress file. */
  path: string;
  rowsTotal: number;
  /** Requests that the whole run was estimated to send, by model. */
  requests: Record<string, number>;
  budgetUsd: number | undefined;
  models: readonly Model[];
  onLine: (line: string) => void;
  onNote: (line: string) => void;
}

/** The live line and the progress file of a run under way. */
export interface LiveReport {
  update(progress: Progress): void;
  progress(): Progress | undefined;
  /** Shows the last state; the file says how the run ended. */
  end(status: ProgressReport["status"], reason?: string): void;
}

const INTERVAL_MS = 1000;

/** Begins to report with the first state, when the journal is ours: a run that is refused one leaves the file of the run that has it. */
export function liveReport(options: LiveReportOptions): LiveReport {
  const { path, onLine, onNote, ...fixed } = options;
  const began = Date.now() / 1000;
  const started = performance.now();
  let progress: Progress | undefined;
  let canWrite = true;
  const write = (state: LiveState, status: ProgressReport["status"], reason?: string): void => {
    if (!canWrite) return;
    try {
      const report = progressReport(state, { ...fixed, began, status, ...(reason !== undefined && { reason }) });
      writeFileSync(`${path}.partial`, `${JSON.stringify(report, null, 2)}\n`);
      renameSync(`${path}.partial`, path);
    } catch (error) {
      // Those who watch are not worth a run; a full disk ends it where it matters.
      canWrite = false;
      rmSync(`${path}.partial`, { force: true });
      onNote(`${path} cannot be written (${(error as Error).message}); the run goes on without it`);
    }
  };
  const show = (status: ProgressReport["status"], reason?: string): void => {
    if (progress === undefined) return;
    const state = { ...fixed, progress, seconds: (performance.now() - started) / 1000 };
    onLine(progressLine(state));
    write(state, status, reason);
  };
  const timer = setInterval(() => show("running"), INTERVAL_MS);
  return {
    update(latest) {
      const isFirst = progress === undefined;
      progress = latest;
      if (isFirst) show("running");
    },
    progress: () => progress,
    end(status, reason) {
      clearInterval(timer);
      show(status, reason);
    },
  };
}

type Facts = Pick<ProgressReport, "command" | "output" | "began" | "status" | "reason">;

function progressReport(state: LiveState, { command, output, began, status, reason }: Facts): ProgressReport {
  const { progress, rowsTotal, requests, budgetUsd, models, seconds } = state;
  const { rowsDone: done, rowsFailed: failed, duplicates, asker } = progress;
  const own = models.map(({ name, pausedMs }): [string, ProgressReport["models"][string]] => {
    const totals = asker.totals.get(name);
    return [
      name,
      {
        answered: totals?.answered ?? 0,
        resumed: totals?.resumed ?? 0,
        failed: totals?.failed ?? 0,
        total: requests[name] ?? 0,
        prompt_tokens: totals?.promptTokens ?? 0,
        completion_tokens: totals?.completionTokens ?? 0,
        cost_usd: totals?.costUsd ?? 0,
        waits_seconds: Math.round(pausedMs() / 1000),
      },
    ];
  });
  const sum = (key: Exclude<keyof ProgressReport["models"][string], "waits_seconds">): number =>
    own.reduce((total, [, counts]) => total + counts[key], 0);
  const isRunning = status === "running";
  return {
    command,
    output,
    status,
    ...(reason !== undefined && { reason }),
    pid: process.pid,
    host: hostname(),
    began,
    updated: Date.now() / 1000,
    rows: { done, failed, duplicates, total: rowsTotal },
    requests: { answered: sum("answered"), resumed: sum("resumed"), failed: sum("failed"), total: sum("total") },
    tokens: { prompt: sum("prompt_tokens"), completion: sum("completion_tokens") },
    cost_usd: asker.spentUsd(),
    projected_cost_usd: isRunning ? (projectedCost(progress, requests) ?? null) : asker.spentUsd(),
    budget_usd: budgetUsd ?? null,
    rows_per_second: seconds > 0 ? (done + failed) / seconds : null,
    seconds_left: isRunning ? (secondsLeft(progress, requests, seconds) ?? null) : null,
    warnings: Object.fromEntries(asker.warnings),
    models: Object.fromEntries(own),
  };
}
