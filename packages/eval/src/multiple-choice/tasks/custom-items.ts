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
