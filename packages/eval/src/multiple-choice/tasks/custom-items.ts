import { groupBy } from "../../group-by.ts";
import { evaluateTask, type TaskResult } from "../evaluate-task.ts";
import type { TextScore } from "../score.ts";
import { choiceAccuracy, choicesItem, type Task, textColumn, textsColumn } from "../task.ts";

/** Rows that carry their own `context`, `choices` and `gold`: a task of one's own without code. */
export function customItems(name: string): Task {
  return {
    name,
    numFewshot: 0,
    shots: "first",
    mainMetric: "acc",
    item: (row) => choicesItem(textColumn(name, row, "context"), textsColumn(name, row, "choices"), Number(row["gold"])),
    score: choiceAccuracy,
  };
}

/**
 * Evaluates rows of the form `{ task, context, choices, gold }`, one result per task in order of first appearance.
 * Throws, naming the row, when one has no task.
 */
export async function evaluateItems(rows: readonly Readonly<Record<string, unknown>>[], score: TextScore): Promise<TaskResult[]> {
  const results: TaskResult[] = [];
  for (const [name, own] of groupBy(rows, (row) => row["task"])) {
    if (typeof name !== "string" || name === "")
      throw new TypeError(`evaluateItems: row ${rows.indexOf(own[0]!)} has no "task"; every row names the task it belongs to`);
    // In the rows' own order: there are no published numbers to match.
    results.push(await evaluateTask({ task: customItems(name), rows: own, parity: "lm-eval-0.4", score }));
  }
  return results;
}
