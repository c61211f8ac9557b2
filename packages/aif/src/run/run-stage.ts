import { type PromptRow, writeRows } from "@zephyr/data";
import { isRequestError } from "../client/errors.ts";
import type { Model } from "../model.ts";
import type { Progress, StageOptions } from "../stage.ts";
import { closingTable, estimateTable } from "./closing-table.ts";
import { type LiveReport, liveReport } from "./live-report.ts";
import { failedRows, type OutputFiles, outputFiles, prepareOutput } from "./output-files.ts";
import { type Estimate, type PlannedRequest, surveyRows } from "./survey.ts";

/** What the command line passes through to a run. */
export interface RunOptions {
  output: string;
  resume?: boolean;
  overwrite?: boolean;
  dryRun?: boolean;
  /** `redis://HOST:PORT`: requests are sent by `zephyr worker` processes that are connected to it. */
  redis?: string | undefined;
  /** So many failed rows still count as success. */
  allowFailures?: number;
  /** Aborted by the first interrupt: what is on the wire is waited for. */
  drain?: AbortSignal;
  /** Aborted by the second: everything ends at once. */
  signal?: AbortSignal;
  /** Shows where the run stands, about once a second. */
  onLine?: (line: string) => void;
  /** Shows a note or the closing table. */
  onNote?: (line: string) => void;
}

/** How a run ended. "pending": it could not go on, what was answered is kept, and the same command resumes it. */
export interface RunResult {
  status: "done" | "partial" | "pending" | "interrupted" | "dry_run";
  exit_code: 0 | 1 | 130;
  output: string;
  rows: number;
  failed: number;
  duplicates: number;
  seconds: number;
  cost_usd: number;
  models: Record<
    string,
    {
      answered: number;
      resumed: number;
      failed: number;
      prompt_tokens: number;
      completion_tokens: number;
      estimated: number;
      cost_usd: number;
    }
  >;
  warnings: Record<string, number>;
  reason?: string;
  estimate: Estimate;
}

export interface StageRun<R extends PromptRow, S extends object> extends RunOptions {
  where: string;
  rows: AsyncIterable<R>;
  models: readonly Model[];
  journal: string | undefined;
  budgetUsd: number | undefined;
  seed: number;
  /** Rows that the stage makes of one, at most; 1 by default. */
  rowsPerRow?: number;
  plan: (row: R & { prompt_id: string }, place: string) => PlannedRequest[];
  transform: (options: StageOptions) => (rows: AsyncIterable<R>) => AsyncIterable<S>;
}

/**
 * Runs a stage from rows to a file: surveys the rows, asks, writes the output whole or not at all, and the failed rows beside
 * it. Errors of the input or the config are thrown; what ends a run that could be resumed is in the result.
 */
export async function runStage<R extends PromptRow, S extends object>(run: StageRun<R, S>): Promise<RunResult> {
  const { where, rows, plan, budgetUsd, allowFailures = 0, onNote = () => {} } = run;
  const files = outputFiles(run.output, run.journal);
  if (run.dryRun !== true) prepareOutput(files, run);
  const estimate = await surveyRows(where, rows, plan);
  if (run.dryRun === true) {
    for (const line of estimateTable(estimate)) onNote(line);
    return { ...emptyResult(run.output, estimate), status: "dry_run" };
  }
  const started = performance.now();
  const failed = failedRows(files.failed);
  const live = reportOf(run, files, estimate);
  const { journal } = files;
  const { seed, drain, signal, transform } = run;
  const stage = transform({ seed, budgetUsd, journal, drain, signal, onFailure: failed.add, onProgress: live.update });
  let end: unknown;
  try {
    await writeRows(run.output, stage(rows));
    failed.publish();
  } catch (error) {
    failed.discard();
    if (!isRequestError(error)) {
      live.end("failed", (error as Error).message);
      throw error;
    }
    end = error;
  }
  const result = resultOf(run.output, estimate, live.progress(), failed.count(), started, end, allowFailures);
  live.end(result.status, result.reason);
  for (const line of closingTable(result)) onNote(line);
  if (end !== undefined) onNote(`answers so far are kept in ${journal}; the same command goes on from there`);
  return result;
}

function reportOf<R extends PromptRow, S extends object>(
  { where: command, output, models, budgetUsd, rowsPerRow = 1, onLine = () => {}, onNote = () => {} }: StageRun<R, S>,
  { progress: path }: OutputFiles,
  estimate: Estimate,
): LiveReport {
  const rowsTotal = rowsPerRow * estimate.rows + estimate.duplicates;
  const requests = Object.fromEntries(Object.entries(estimate.models).map(([name, model]) => [name, model.requests]));
  return liveReport({ command, output, path, rowsTotal, requests, budgetUsd, models, onLine, onNote });
}

function emptyResult(output: string, estimate: Estimate): RunResult {
  return {
    status: "done",
    exit_code: 0,
    output,
    rows: 0,
    failed: 0,
    duplicates: estimate.duplicates,
    seconds: 0,
    cost_usd: 0,
    models: {},
    warnings: {},
    estimate,
  };
}

function resultOf(
  output: string,
  estimate: Estimate,
  progress: Progress | undefined,
  failed: number,
  started: number,
  end: unknown,
  allowFailures: number,
): RunResult {
  const seconds = (performance.now() - started) / 1000;
  const totals = [...(progress?.asker.totals ?? [])].map(([name, { promptTokens, completionTokens, costUsd, ...rest }]) => [
    name,
    { ...rest, prompt_tokens: promptTokens, completion_tokens: completionTokens, cost_usd: costUsd },
  ]);
  const result = {
    ...emptyResult(output, estimate),
    rows: end === undefined ? (progress?.rowsDone ?? 0) : 0,
    failed,
    seconds,
    cost_usd: progress?.asker.spentUsd() ?? 0,
    models: Object.fromEntries(totals),
    warnings: Object.fromEntries(progress?.asker.warnings ?? []),
  };
  if (isRequestError(end)) {
    const isInterrupt = end.kind === "interrupted";
    return { ...result, status: isInterrupt ? "interrupted" : "pending", exit_code: isInterrupt ? 130 : 1, reason: end.message };
  }
  return failed === 0 ? result : { ...result, status: "partial", exit_code: failed > allowFailures ? 1 : 0 };
}
