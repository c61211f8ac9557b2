import type { JudgeAgreement } from "../audit/judge-agreement.ts";
import type { RatingAgreement } from "../audit/rating-agreement.ts";
import type { ScoreDifference } from "../mt-bench/compare-scores.ts";
import { compact, percent } from "./format.ts";
import type { ReportTable } from "./report-input.ts";

/** How far a second judge agrees with the first: on verdicts, or on ratings. */
export function agreementTable(agreement: JudgeAgreement | RatingAgreement): ReportTable {
  const row = (what: string, value: number | null, show: (value: number) => string, ci: [number, number] | null = null) => ({
    what,
    measured: value === null ? "n/a" : show(value),
    interval: ci === null ? null : ci.map(show).join(" to "),
  });
  const share = (value: number) => percent(value);
  const rows =
    "agreement" in agreement
      ? [
          row("Same verdict", agreement.agreement, share, agreement.ci),
          row("Same verdict where neither saw a tie", agreement.agreement_without_ties, share),
          row("Agreement beyond chance (kappa)", agreement.kappa, compact),
        ]
      : [
          row("First judge's rating minus second's", agreement.difference, compact, agreement.ci),
          row("Ratings at most 1 apart", agreement.within_one, share),
          row("Correlation of the ratings", agreement.correlation, compact),
        ];
  return {
    title: "A second judge beside the first",
    note: `Over ${agreement.n} ${"agreement" in agreement ? "pairs that both decided" : "answers that both rated"}.`,
    columns: [
      { key: "what", label: "What" },
      { key: "measured", label: "Measured" },
      { key: "interval", label: "95% interval" },
    ],
    rows,
  };
}

/** Two models' MT-Bench ratings, question by question. */
export function differenceTable(differences: readonly ScoreDifference[]): ReportTable {
  return {
    title: "MT-Bench, paired difference",
    note: "Mean rating of the first model minus that of the second on the same questions, clustered by question. The last column is the number of questions that would show a difference of this size four times out of five.",
    columns: [
      { key: "pair", label: "Models" },
      { key: "difference", label: "Difference", kind: "number", digits: 2 },
      { key: "p", label: "p" },
      { key: "n", label: "Answers", kind: "number", digits: 0 },
      { key: "questions_needed", label: "Questions needed", kind: "number", digits: 0 },
    ],
    rows: differences.map(({ model_1, model_2, difference, ci, p_value, n, questions_needed }) => ({
      pair: `${model_1} minus ${model_2}`,
      difference: { value: difference, ci },
      p: p_value < 0.001 ? "below 0.001" : p_value.toFixed(3),
      n,
      questions_needed,
    })),
  };
}
