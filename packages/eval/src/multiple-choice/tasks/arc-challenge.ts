import { choiceAccuracy, choicesItem, type Task, textColumn, textsColumn } from "../task.ts";

/** ARC Challenge (Clark et al. 2018): grade-school science questions, 25 shots, acc_norm. */
export const arcChallenge: Task = {
  name: "arc_challenge",
  numFewshot: 25,
  shots: "random",
  mainMetric: "acc_norm",
  item(row) {
    const { text, labels } = choicesOf(row);
    const key = textColumn("arc_challenge", row, "answerKey");
    // A few rows number their choices where others letter them.
    const gold = labels.indexOf(key) >= 0 ? labels.indexOf(key) : labels.indexOf("ABCDE"["12345".indexOf(key)] ?? "");
    return choicesItem(`Question: ${textColumn("arc_challenge", row, "question")}\nAnswer:`, text, gold);
  },
  score: choiceAccuracy,
};

function choicesOf(row: Readonly<Record<string, unknown>>): { text: string[]; labels: string[] } {
  const choices = (row["choices"] ?? {}) as Record<string, unknown>;
  return { text: textsColumn("arc_challenge", choices, "text"), labels: textsColumn("arc_challenge", choices, "label") };
}
