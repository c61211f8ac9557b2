import { statusOf } from "./feedback-view.ts";
import { fieldsOf, numberOf, textOf } from "./fields.ts";

const MOST_STAGES = 60;

/** A stage of a recipe as the page sees it; numbers are those of the plan, null where it could not tell. */
export interface StageView {
  name: string;
  command: string;
  /** "to do", "running", "done", "failed", "interrupted", "stopped". */
  status: string;
  /** Seconds since 1970. */
  began: number | null;
  seconds: number | null;
  rows: number | null;
  requests: number | null;
  steps: number | null;
  /** Least and most. */
  cost_usd: [number, number] | null;
}

/** A run of `zephyr align` as the page sees it. */
export interface RecipeView {
  id: number;
  name: string;
  status: string;
  reason: string;
  stages: StageView[];
}

/** A progress file of `align`; undefined for what is none. */
export function recipeView(id: number, name: string, json: unknown): RecipeView | undefined {
  const report = fieldsOf(json);
  const stages = report?.["stages"];
  if (!report || !Array.isArray(stages)) return undefined;
  const status = statusOf(report);
  return {
    id,
    name,
    status,
    reason: textOf(report["reason"]),
    stages: stages.slice(0, MOST_STAGES).map((stage) => stageView(stage, status)),
  };
}

function stageView(json: unknown, recipe: string): StageView {
  const stage = fieldsOf(json) ?? {};
  const status = textOf(stage["status"], 20);
  const cost = Array.isArray(stage["cost_usd"]) ? stage["cost_usd"].map(numberOf) : [];
  const [least, most] = cost;
  return {
    name: textOf(stage["name"], 100),
    command: textOf(stage["command"], 40),
    status: status === "running" ? recipe : status,
    began: numberOf(stage["began"]),
    seconds: numberOf(stage["seconds"]),
    rows: numberOf(stage["rows"]),
    requests: numberOf(stage["requests"]),
    steps: numberOf(stage["steps"]),
    cost_usd: typeof least === "number" && typeof most === "number" ? [least, most] : null,
  };
}
