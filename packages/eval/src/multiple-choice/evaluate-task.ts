import { average } from "../statistics/interval.ts";
import { type Parity, type PromptedItem, promptItems } from "./few-shot.ts";
import { requestsSha256 } from "./requests-hash.ts";
import type { ScoreResult, TextRequest, TextScore } from "./score.ts";
import { summarise } from "./summarise.ts";
import type { Metrics, Task } from "./task.ts";

type Row = Readonly<Record<string, unknown>>;

/** A task and the rows that it is asked with. */
export interface TaskPlanOptions {
  task: Task;
  /** Rows of the evaluation split, as the Hugging Face data set has them. */
  rows: readonly Row[];
  /** Rows of the split that shots are drawn from. */
  shotRows?: readonly Row[];
  /** The published number of shots unless told. */
  numFewshot?: number;
  parity?: Parity;
  /** Ask the first documents only. */
  limit?: number;
}

/** What would be asked, without asking it. */
export interface TaskPlan {
  task: string;
  num_fewshot: number;
  documents: number;
  /** How many log-likelihoods would be asked for. */
  requests: number;
  requests_sha256: string;
}

/** Metrics with standard errors, 0 to 1: `acc`, `acc_stderr`, `acc_norm`, `acc_norm_stderr`, ... */
export type TaskResult = { task: string; n: number; num_fewshot: number; main_metric: string } & Record<string, number | string>;

/** The requests of a task, one after the other in the order they are asked. */
export function* taskRequests(options: TaskPlanOptions): Generator<TextRequest> {
  for (const item of itemsOf(options)) yield* requestsOf(item);
}

/** How many requests a task makes, and their hash. */
export function planTask(options: TaskPlanOptions): TaskPlan {
  const { task, numFewshot = task.numFewshot } = options;
  const items = itemsOf(options);
  return {
    task: task.name,
    num_fewshot: numFewshot,
    documents: items.length,
    requests: items.reduce((sum, { item }) => sum + item.requests.length, 0),
    requests_sha256: requestsSha256(taskRequests(options)),
  };
}

/**
 * Scores every choice of every document and averages the task's metrics, with standard errors sd / sqrt(n).
 * Throws when a row does not fit the task, shots are missing, or the model returns what is no number.
 *
 * @example
 * const { acc_norm, acc_norm_stderr } = await evaluateTask({ task: arcChallenge, rows, shotRows, score });
 */
export async function evaluateTask(
  options: TaskPlanOptions & { score: TextScore; onProgress?: (done: number, total: number) => void; signal?: AbortSignal },
): Promise<TaskResult> {
  const { task, numFewshot = task.numFewshot, score, onProgress, signal } = options;
  const items = itemsOf(options);
  if (items.length === 0)
    throw new RangeError(`evaluateTask: ${task.name} has no documents; give the rows of its evaluation split`);
  const perDocument: Metrics[] = [];
  for (let start = 0; start < items.length; start += DOCUMENTS_AT_ONCE) {
    signal?.throwIfAborted();
    const part = items.slice(start, start + DOCUMENTS_AT_ONCE);
    const results = await score(part.flatMap(requestsOf));
    let at = 0;
    for (const { item } of part) {
      const own = results.slice(at, at + item.requests.length);
      at += item.requests.length;
      checkResults(task, item.requests, own);
      perDocument.push(task.score(item, own));
    }
    onProgress?.(perDocument.length, items.length);
  }
  return { task: task.name, n: items.length, num_fewshot: numFewshot, main_metric: task.mainMetric, ...summarise(perDocument) };
}

const DOCUMENTS_AT_ONCE = 32;

function itemsOf({
  task,
  rows,
  shotRows = [],
  numFewshot = task.numFewshot,
  parity = "leaderboard-v1",
  limit,
}: TaskPlanOptions): PromptedItem[] {
  const items = promptItems(task, rows, shotRows, numFewshot, parity);
  return limit === undefined ? items : items.slice(0, limit);
}

const requestsOf = ({ item, prefix }: PromptedItem): TextRequest[] =>
  item.requests.map(({ context, continuation }) => ({ context: prefix + context, continuation }));

function checkResults(task: Task, requests: readonly TextRequest[], results: readonly ScoreResult[]): void {
  const bad = requests.findIndex((_, i) => !results[i] || Number.isNaN(results[i].logLikelihood));
  if (bad >= 0)
    throw new RangeError(
      `evaluateTask: ${task.name}: the model gave ${results[bad]?.logLikelihood ?? "nothing"} for "${requests[bad]!.continuation.slice(0, 60)}"; a log-likelihood must be a number`,
    );
}

/**
 * Average of a group of tasks, such as MMLU's subjects: "unweighted" is the mean of the tasks' means (Open LLM Leaderboard
 * v1), "weighted" that over all documents with the pooled standard error of lm-evaluation-harness.
 */
export function groupAverage(
  results: readonly TaskResult[],
  metric: string,
): { unweighted: number; weighted: number; weighted_stderr: number; n: number } {
  const parts = results.map((result) => {
    const [value, error] = [result[metric], result[`${metric}_stderr`]];
    if (typeof value !== "number" || typeof error !== "number")
      throw new RangeError(`groupAverage: ${result.task} has no ${metric}; it has ${Object.keys(result).join(", ")}`);
    return { value, error, n: result.n };
  });
  if (parts.length === 0) throw new RangeError("groupAverage: there are no results; evaluate at least one task");
  const total = parts.reduce((sum, { n }) => sum + n, 0);
  const squares = parts.reduce((sum, { error, n }) => sum + (n - 1) * error ** 2 * n, 0);
  return {
    unweighted: average(parts.map(({ value }) => value)),
    weighted: parts.reduce((sum, { value, n }) => sum + value * n, 0) / total,
    weighted_stderr: total > parts.length ? Math.sqrt(squares / (total - parts.length) / total) : 0,
    n: total,
  };
}
