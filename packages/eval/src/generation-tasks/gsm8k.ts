import { textColumn } from "../multiple-choice/task.ts";
import type { GenerationTask } from "./generation-task.ts";

const FINAL = /#### (-?[0-9.,]+)/;
const NUMBER = /-?[$0-9.,]{2,}|-?[0-9]+/g;
const NONE = "[invalid]";

/**
 * GSM8K (Cobbe et al. 2021): grade-school word problems whose answer is written step by step, 5 shots.
 * Open LLM Leaderboard v1: `acc` of the number behind "####". lm-eval 0.4: `exact_match` of the same ("strict"), and of the last
 * number anywhere (`exact_match_flexible`).
 */
export const gsm8k: GenerationTask = {
  name: "gsm8k",
  numFewshot: 5,
  shots: "random",
  item(row) {
    const context = `Question: ${textColumn("gsm8k", row, "question")}\nAnswer:`;
    const answer = textColumn("gsm8k", row, "answer");
    if (!FINAL.test(answer))
      throw new TypeError(`gsm8k: the answer "${answer.slice(-60)}" ends in no "#### number"; is it the right data set?`);
    return { context, answer, asShot: `${context} ${answer}` };
  },
  rules: {
    "leaderboard-v1": {
      stop: [":", "Question:", "Question"],
      maxTokens: 256,
      mainMetric: "acc",
      score: (completion, answer) => ({ acc: plainFinal(completion) === plainFinal(answer) ? 1 : 0 }),
    },
    "lm-eval-0.4": {
      stop: ["Question:", "</s>", "<|im_end|>"],
      maxTokens: 256,
      mainMetric: "exact_match",
      score(completion, answer) {
        const gold = normal(answer);
        const same = (found: string | undefined) => (normal(found ?? NONE) === gold ? 1 : 0);
        return {
          exact_match: same(FINAL.exec(completion)?.[1]?.trim()),
          exact_match_flexible: same(completion.match(NUMBER)?.at(-1)?.trim()),
        };
      },
    },
  },
};

/** The number behind "####" without thousands separators. */
const plainFinal = (text: string): string => FINAL.exec(text)?.[1]?.replaceAll(",", "") ?? NONE;

/** What lm-eval's exact match leaves of a text: no commas, no dollar signs, nothing up to the last "#### ", no full stop at the end. */
const normal = (text: string): string =>
  text
    .replaceAll(",", "")
    .replaceAll("$", "")
    .replace(/.*#### /s, "")
    .replace(/\.$/, "")
    .toLowerCase();
