import { groupBy } from "../group-by.ts";
import { average, clusteredInterval } from "../statistics/interval.ts";
import { parseRating } from "./parse-judgment.ts";
import { categoriesOf, type Question, type SingleJudgment, WRONG_REFERENCES } from "./rows.ts";

/** A model's MT-Bench score. */
export interface SingleScore {
  model: string;
  /** Mean rating over both turns of all questions; null when nothing could be parsed. */
  score: number | null;
  /** Ratings that count. */
  n: number;
  /** Judgments without a rating, left out. */
  unparsed: number;
  turn_1: number | null;
  turn_2: number | null;
  categories: Record<string, number>;
  /** 95% intervals of the turns and of each category, clustered by question; null with fewer than two questions. */
  turn_1_ci: [number, number] | null;
  turn_2_ci: [number, number] | null;
  category_ci: Record<string, [number, number] | null>;
  /** 95% interval of the score, clustered by question; null with fewer than two questions. */
  ci: [number, number] | null;
  /** The score without the 13 questions whose published reference is wrong. */
  score_without_wrong_references: number | null;
}

/** All models that were graded. */
export interface SingleScores {
  models: SingleScore[];
  /** Judgments that a later one of the same model, question, turn and judge replaced. */
  repeated: number;
  /** Stored scores that differ from what the judgment's text says. */
  mismatches: number;
}

/**
 * MT-Bench scores from stored gradings, best model first. Ratings are parsed again from the text; of repeated gradings
 * the last counts, or each with `repeated: "all"`, which is what FastChat's own script does.
 *
 * @example
 * scoreSingle(judgments).models[0]; // { model, score, n, turn_1, turn_2, categories, ci, ... }
 */
export function scoreSingle(
  judgments: readonly SingleJudgment[],
  { questions, repeated = "last" }: { questions?: readonly Question[]; repeated?: "last" | "all" } = {},
): SingleScores {
  judgments.forEach(checkJudgment);
  const kept = repeated === "all" ? [...judgments] : lastOfEach(judgments);
  const rated = kept.map(reparsed);
  const byModel = groupBy(rated, (row) => row.model);
  const models = [...byModel].map(([model, rows]) => scoreOf(model, rows, categoriesOf(questions)));
  return {
    models: models.sort((a, b) => (b.score ?? -1) - (a.score ?? -1)),
    repeated: judgments.length - lastOfEach(judgments).length,
    mismatches: rated.filter((row, i) => typeof kept[i]!.score === "number" && row.score !== kept[i]!.score).length,
  };
}

/** The last grading of each model, question, turn and judge, its rating parsed again from the text. */
export const ratedJudgments = (judgments: readonly SingleJudgment[]): SingleJudgment[] => lastOfEach(judgments).map(reparsed);

const reparsed = (row: SingleJudgment): SingleJudgment => ({
  ...row,
  score: typeof row.judgment === "string" ? parseRating(row.judgment) : row.score,
});

function checkJudgment({ model, question_id, turn, judgment, score }: SingleJudgment, i: number): void {
  if (typeof model !== "string" || typeof question_id !== "number" || typeof turn !== "number")
    throw new TypeError(
      `scoreSingle: judgment ${i} has model ${JSON.stringify(model)}, question_id ${question_id}, turn ${turn}; give MT-Bench's gradings`,
    );
  if (typeof judgment !== "string" && !Number.isFinite(score))
    throw new TypeError(
      `scoreSingle: judgment ${i} (${model}, question ${question_id}, turn ${turn}) has neither text nor score; judge it again`,
    );
}

function lastOfEach(judgments: readonly SingleJudgment[]): SingleJudgment[] {
  return [...new Map(judgments.map((row) => [JSON.stringify([row.model, row.question_id, row.turn, row.judge]), row])).values()];
}

function scoreOf(model: string, rows: readonly SingleJudgment[], categoryOf: (id: number) => string): SingleScore {
  const valid = rows.filter((row) => row.score !== -1);
  const mean = (part: readonly SingleJudgment[]) => (part.length > 0 ? average(part.map((row) => row.score)) : null);
  const ofTurn = (turn: number) => valid.filter((row) => row.turn === turn);
  const categories = groupBy(valid, (row) => categoryOf(row.question_id));
  return {
    model,
    score: mean(valid),
    n: valid.length,
    unparsed: rows.length - valid.length,
    turn_1: mean(ofTurn(1)),
    turn_2: mean(ofTurn(2)),
    categories: Object.fromEntries([...categories].map(([category, part]) => [category, mean(part)!])),
    ci: intervalOf(valid),
    turn_1_ci: intervalOf(ofTurn(1)),
    turn_2_ci: intervalOf(ofTurn(2)),
    category_ci: Object.fromEntries([...categories].map(([category, part]) => [category, intervalOf(part)])),
    score_without_wrong_references: mean(valid.filter((row) => !WRONG_REFERENCES.includes(row.question_id))),
  };
}

function intervalOf(rows: readonly SingleJudgment[]): [number, number] | null {
  const questions = rows.map((row) => row.question_id);
  if (new Set(questions).size < 2) return null;
  const { lo, hi } = clusteredInterval(
    rows.map((row) => row.score),
    questions,
  );
  return [lo, hi];
}
