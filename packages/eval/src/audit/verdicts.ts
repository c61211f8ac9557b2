import type { Annotation } from "../alpaca-eval/rows.ts";
import { pairOutcome } from "../mt-bench/pair-score.ts";
import type { PairJudgment } from "../mt-bench/rows.ts";
import type { Winner } from "../pairwise/compare.ts";
import { outcomeOf } from "./audit-judge.ts";
import { pairsOfAnnotations } from "./audited-pairs.ts";

/** What a judge decided about one pair; `judgeAgreement` matches two judges by `id`. */
export interface JudgedVerdict {
  id: string;
  winner: Winner;
}

/** AlpacaEval annotations as verdicts: a is the baseline. */
export const annotationVerdicts = (annotations: readonly Annotation[]): JudgedVerdict[] =>
  pairsOfAnnotations(annotations).map((pair) => ({ id: pair.id, winner: outcomeOf(pair) }));

/** MT-Bench pair judgments as verdicts by question, turn and pair of models: a is the model that comes first by name. */
export function mtBenchVerdicts(judgments: readonly PairJudgment[]): JudgedVerdict[] {
  return judgments.map((row) => {
    const [first, second] = [row.model_1, row.model_2].sort();
    const outcome = pairOutcome(row);
    const winner = outcome === "model_1" || outcome === "model_2" ? (row[outcome] === first ? "a" : "b") : outcome;
    return { id: JSON.stringify([row.question_id, row.turn, first, second]), winner };
  });
}
