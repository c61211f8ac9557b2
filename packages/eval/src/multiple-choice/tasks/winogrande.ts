import { choiceAccuracy, type Task, textColumn } from "../task.ts";

/** WinoGrande (Sakaguchi et al. 2020): which name fills the gap, scored by the rest of the sentence; 5 shots, acc. */
export const winogrande: Task = {
  name: "winogrande",
  numFewshot: 5,
  shots: "random",
  mainMetric: "acc",
  item(row) {
    const sentence = textColumn("winogrande", row, "sentence");
    const gap = sentence.indexOf("_");
    const gold = Number(row["answer"]) - 1;
    if (gap < 0 || (gold !== 0 && gold !== 1))
      throw new TypeError(
        `winogrande: the row "${sentence.slice(0, 60)}" has no gap "_" or no answer 1 or 2; is it the right data set?`,
      );
    const options = [textColumn("winogrande", row, "option1"), textColumn("winogrande", row, "option2")];
    const continuation = ` ${sentence.slice(gap + 1).trim()}`;
    const contexts = options.map((option) => sentence.slice(0, gap) + option);
    return {
      requests: contexts.map((context) => ({ context, continuation })),
      choices: options,
      gold,
      asShot: contexts[gold]! + continuation,
    };
  },
  score: choiceAccuracy,
};
