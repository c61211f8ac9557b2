import { isSwitched, preferenceFromReply } from "../alpaca-eval/annotator-replies.ts";
import type { Annotation } from "../alpaca-eval/rows.ts";
import { winnerOfGame } from "../mt-bench/parse-judgment.ts";
import type { ModelAnswer, PairJudgment, PairWinner } from "../mt-bench/rows.ts";
import type { AnswerSet, Comparison, Winner } from "../pairwise/compare.ts";
import type { AuditedPair } from "./audit-judge.ts";

/** The pairs of a `compare` run; identical answers, which no judge saw, are left out. */
export function pairsOfComparison(comparison: Comparison, a: AnswerSet, b: AnswerSet): AuditedPair[] {
  const queues = [a, b].map((set) => {
    const queue = new Map<string, string[]>();
    for (const { prompt_id, content } of set.answers) queue.set(prompt_id, [...(queue.get(prompt_id) ?? []), content]);
    return queue;
  });
  return comparison.pairs.flatMap(({ prompt_id, a_first, b_first, replies }) => {
    const [one, two] = queues.map((queue) => queue.get(prompt_id)?.shift());
    if (replies.length === 0) return [];
    return [{ id: prompt_id, a_name: comparison.a, b_name: comparison.b, ...texts(one, two), a_first, b_first }];
  });
}

/** Stored MT-Bench pair judgments, with the answers if they are at hand. */
export function pairsOfMtBench(judgments: readonly PairJudgment[], answers: readonly ModelAnswer[] = []): AuditedPair[] {
  const known = new Map(
    answers.map((answer) => [JSON.stringify([answer.model_id, answer.question_id]), answer.choices[0]?.turns ?? []]),
  );
  const side = (winner: PairWinner): Winner => (winner === "model_1" ? "a" : winner === "model_2" ? "b" : winner);
  return judgments.map((row) => {
    const text = (model: string) => known.get(JSON.stringify([model, row.question_id]))?.[row.turn - 1];
    return {
      id: String(row.question_id),
      a_name: row.model_1,
      b_name: row.model_2,
      ...texts(text(row.model_1), text(row.model_2)),
      a_first: side(winnerOfGame(row.g1_judgment, 1)),
      b_first: side(winnerOfGame(row.g2_judgment, 2)),
    };
  });
}

/** AlpacaEval annotations: a is the baseline; each instruction was shown once, in its seeded order. */
export function pairsOfAnnotations(annotations: readonly Annotation[], seed = 0): AuditedPair[] {
  return annotations
    .filter((row) => row.output_1 === undefined || row.output_1 !== row.output_2)
    .map((row) => {
      const isRaw = row.preference === undefined && row.raw_completion !== undefined;
      const winner = winnerOf(isRaw ? preferenceFromReply(row, seed) : row.preference);
      const switched = isSwitched(row.instruction, seed);
      return {
        id: row.instruction,
        a_name: row.generator_1 ?? "baseline",
        b_name: row.generator_2 ?? "model",
        ...texts(row.output_1, row.output_2),
        a_first: switched ? null : winner,
        b_first: switched ? winner : null,
      };
    });
}

function winnerOf(preference: number | null | undefined): Winner {
  if (preference === null || preference === undefined) return "error";
  if (preference === 0 || preference === 1.5) return "tie";
  return preference > 1.5 ? "b" : "a";
}

const texts = (a: string | undefined, b: string | undefined) => ({
  ...(a === undefined ? {} : { a }),
  ...(b === undefined ? {} : { b }),
});
