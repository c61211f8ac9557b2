import { choiceAccuracy, choicesItem, type Task, textColumn, textsColumn } from "../task.ts";

/** HellaSwag (Zellers et al. 2019): which sentence comes next, 10 shots, acc_norm. */
export const hellaswag: Task = {
  name: "hellaswag",
  numFewshot: 10,
  shots: "random",
  mainMetric: "acc_norm",
  item(row) {
    const text = (key: string) => textColumn("hellaswag", row, key);
    const context = clean(`${text("activity_label")}: ${text("ctx_a")} ${capitalize(text("ctx_b"))}`);
    return choicesItem(context, textsColumn("hellaswag", row, "endings").map(clean), Number(row["label"]));
  },
  score: choiceAccuracy,
};

/** WikiHow artefacts out: " [title]" becomes a full stop, other brackets go, then one pass over doubled spaces. */
function clean(text: string): string {
  return text
    .trim()
    .replaceAll(" [title]", ". ")
    .replace(/\[.*?\]/g, "")
    .replaceAll("  ", " ");
}

/** Python's capitalize: the first letter upper-case, all others lower-case. */
function capitalize(text: string): string {
  const [first = "", ...rest] = text;
  return first.toUpperCase() + rest.join("").toLowerCase();
}
