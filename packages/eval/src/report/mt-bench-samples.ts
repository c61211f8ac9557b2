import { groupBy } from "../group-by.ts";
import { pairOutcome } from "../mt-bench/pair-score.ts";
import { categoriesOf, type ModelAnswer, type PairJudgment, type Question, type SingleJudgment } from "../mt-bench/rows.ts";
import { ratedJudgments } from "../mt-bench/single-score.ts";
import { compact } from "./format.ts";
import type { ReportSample } from "./report-input.ts";

/** Questions, answers and judgments of MT-Bench, to be shown side by side. */
export interface MtBenchSamplesInput {
  judgments: readonly (SingleJudgment | PairJudgment)[];
  questions?: readonly Question[];
  answers?: readonly ModelAnswer[];
}

type Panel = ReportSample["answers"][number];

/**
 * MT-Bench question by question, grouped by category: each model's answer to each turn, as far as the answers are at hand, with
 * its rating or verdict and what the judge wrote.
 */
export function mtBenchSamples({ judgments, questions = [], answers = [] }: MtBenchSamplesInput): ReportSample[] {
  const singles = ratedJudgments(judgments.filter((row): row is SingleJudgment => !("model_1" in row)));
  const pairs = judgments.filter((row): row is PairJudgment => "model_1" in row);
  const asked = new Map(questions.map((question) => [question.question_id, question]));
  const known = new Map(answers.map((answer) => [JSON.stringify([answer.model_id, answer.question_id]), answer]));
  const answerOf = (model: string, question: number, turn: number) =>
    known.get(JSON.stringify([model, question]))?.choices[0]?.turns[turn - 1];
  const categoryOf = categoriesOf(questions.length > 0 ? questions : undefined);
  const gradings = groupBy(singles, (row) => row.question_id);
  const games = groupBy(pairs, (row) => row.question_id);
  const ids = [...new Set([...gradings.keys(), ...games.keys()])].sort((a, b) => a - b);
  return ids.map((id) => {
    const [graded, compared] = [gradings.get(id) ?? [], games.get(id) ?? []];
    return {
      prompt: asked.get(id)?.turns.join("\n\n") ?? `Question ${id}`,
      group: categoryOf(id),
      label: labelOf(graded),
      answers: [
        ...graded.toSorted((a, b) => a.turn - b.turn).map((row) => gradedPanel(row, answerOf(row.model, id, row.turn))),
        ...compared.flatMap((row) => comparedPanels(row, (model) => answerOf(model, id, row.turn))),
      ],
    };
  });
}

const ratingOf = ({ score }: SingleJudgment): string => (score === -1 ? "no rating" : compact(score));

/** "phi-3 8, 7.5; zephyr 9, 8": ratings of both turns by model. */
function labelOf(graded: readonly SingleJudgment[]): string {
  const byModel = groupBy(graded, (row) => row.model);
  return [...byModel]
    .map(
      ([model, rows]) =>
        `${model} ${rows
          .toSorted((a, b) => a.turn - b.turn)
          .map(ratingOf)
          .join(", ")}`,
    )
    .join("; ");
}

function gradedPanel(row: SingleJudgment, answer: string | undefined): Panel {
  const name = `${row.model}, turn ${row.turn}: ${ratingOf(row)}`;
  const judgment = typeof row.judgment === "string" ? row.judgment : "";
  return answer === undefined ? { name, content: judgment } : { name, content: answer, note: `The judge: ${judgment}` };
}

function comparedPanels(row: PairJudgment, answerOf: (model: string) => string | undefined): Panel[] {
  const outcome = pairOutcome(row);
  const verdict = outcome === "tie" || outcome === "error" ? outcome : `${row[outcome]} wins`;
  const shown = [row.model_1, row.model_2].flatMap((model): Panel[] => {
    const content = answerOf(model);
    return content === undefined ? [] : [{ name: `${model}, turn ${row.turn}`, content }];
  });
  const judgment: Panel = {
    name: `${row.model_1} against ${row.model_2}, turn ${row.turn}: ${verdict}`,
    content: `${row.g1_judgment}\n\nIn the other order: ${row.g2_judgment}`,
  };
  return [...shown, judgment];
}
