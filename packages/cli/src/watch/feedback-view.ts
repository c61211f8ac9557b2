import { countOf, type Fields, fieldsOf, numberOf, textOf } from "./fields.ts";
import { statusNow } from "./follow-file.ts";

const MOST_MODELS = 60;
const MOST_WARNINGS = 60;

/** What the page shows of one model. */
export interface ModelView {
  name: string;
  answered: number;
  failed: number;
  total: number;
  prompt_tokens: number;
  completion_tokens: number;
  cost_usd: number;
  waits_seconds: number;
}

/** A job of `complete`, `rate` or `generate-dialogues` as the page sees it. */
export interface FeedbackView {
  id: number;
  name: string;
  command: string;
  /** "running", "stopped", "done", "partial", "pending", "interrupted", "failed". */
  status: string;
  reason: string;
  rows: { done: number; failed: number; total: number };
  requests: { answered: number; failed: number; total: number };
  tokens: { prompt: number; completion: number };
  cost_usd: number;
  projected_cost_usd: number | null;
  budget_usd: number | null;
  rows_per_second: number | null;
  seconds_left: number | null;
  models: ModelView[];
  warnings: { text: string; count: number }[];
}

/** A progress file of a feedback job; undefined for what is none. */
export function feedbackView(id: number, name: string, json: unknown): FeedbackView | undefined {
  const report = fieldsOf(json);
  const [rows, requests, tokens] = ["rows", "requests", "tokens"].map((key) => fieldsOf(report?.[key]));
  if (!report || !rows || !requests || !tokens) return undefined;
  const status = statusOf(report);
  return {
    id,
    name,
    command: textOf(report["command"], 40),
    status,
    reason: textOf(report["reason"]),
    rows: {
      // Rows that were there before count as done: the bar is to end full.
      done: countOf(rows["done"]) + countOf(rows["duplicates"]),
      failed: countOf(rows["failed"]),
      total: countOf(rows["total"]),
    },
    requests: {
      answered: countOf(requests["answered"]) + countOf(requests["resumed"]),
      failed: countOf(requests["failed"]),
      total: countOf(requests["total"]),
    },
    tokens: { prompt: countOf(tokens["prompt"]), completion: countOf(tokens["completion"]) },
    cost_usd: countOf(report["cost_usd"]),
    projected_cost_usd: numberOf(report["projected_cost_usd"]),
    budget_usd: numberOf(report["budget_usd"]),
    rows_per_second: numberOf(report["rows_per_second"]),
    seconds_left: status === "running" ? numberOf(report["seconds_left"]) : null,
    models: Object.entries(fieldsOf(report["models"]) ?? {})
      .slice(0, MOST_MODELS)
      .map(([model, counts]) => modelView(model, fieldsOf(counts) ?? {})),
    warnings: Object.entries(fieldsOf(report["warnings"]) ?? {})
      .slice(0, MOST_WARNINGS)
      .map(([text, count]) => ({ text: textOf(text), count: countOf(count) })),
  };
}

export const statusOf = ({ status, pid, host, updated }: Fields): string =>
  statusNow({ status: textOf(status, 20), pid: countOf(pid), host: textOf(host), updated: countOf(updated) });

const modelView = (name: string, counts: Fields): ModelView => ({
  name: textOf(name, 100),
  answered: countOf(counts["answered"]) + countOf(counts["resumed"]),
  failed: countOf(counts["failed"]),
  total: countOf(counts["total"]),
  prompt_tokens: countOf(counts["prompt_tokens"]),
  completion_tokens: countOf(counts["completion_tokens"]),
  cost_usd: countOf(counts["cost_usd"]),
  waits_seconds: countOf(counts["waits_seconds"]),
});
