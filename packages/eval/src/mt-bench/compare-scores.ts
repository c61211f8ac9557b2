import { average, sampleDeviation } from "../statistics/interval.ts";
import { pairedDifference } from "../statistics/paired-difference.ts";
import { sampleSize } from "../statistics/sample-size.ts";
import type { SingleJudgment } from "./rows.ts";
import { ratedJudgments } from "./single-score.ts";

/** The difference of two models' mean ratings. */
export interface ScoreDifference {
  model_1: string;
  model_2: string;
  /** Answers (question and turn) of which both models have a rating. */
  n: number;
  /** Mean rating of model_1 minus that of model_2 on those, and its 95% interval clustered by question. */
  difference: number;
  ci: [number, number] | null;
  p_value: number;
  /** Questions that would show a difference of this size four times out of five; null where there is none. */
  questions_needed: number | null;
}

/**
 * Two models' gradings compared question by question, the right comparison since difficulty cancels. Of repeated gradings
 * the last counts. Throws a RangeError when a model has no grading, or the two have none in common.
 *
 * @example
 * compareScores(judgments, ["zephyr", "mistral"]).ci;
 */
export function compareScores(
  judgments: readonly SingleJudgment[],
  [model_1, model_2]: readonly [string, string],
): ScoreDifference {
  const rated = ratedJudgments(judgments).filter((row) => row.score !== -1);
  const keyOf = (row: SingleJudgment) => JSON.stringify([row.question_id, row.turn, row.judge]);
  const models = [...new Set(rated.map((row) => row.model))];
  const absent = [model_1, model_2].find((model) => !models.includes(model));
  if (absent !== undefined)
    throw new RangeError(`compareScores: there is no grading of "${absent}"; there are ${models.join(", ") || "none"}`);
  const second = new Map(rated.filter((row) => row.model === model_2).map((row) => [keyOf(row), row.score]));
  const both = rated.filter((row) => row.model === model_1 && second.has(keyOf(row)));
  if (both.length === 0)
    throw new RangeError(`compareScores: "${model_1}" and "${model_2}" share no graded question; grade the same ones`);
  const [ours, theirs] = [both.map((row) => row.score), both.map((row) => second.get(keyOf(row))!)];
  const questions = both.map((row) => row.question_id);
  const { mean, lo, hi, pValue, clusters } = pairedDifference(ours, theirs, { clusters: questions });
  const deviation = deviationByQuestion(ours, theirs, questions);
  return {
    model_1,
    model_2,
    n: both.length,
    difference: mean,
    ci: clusters > 1 ? [lo, hi] : null,
    p_value: pValue,
    questions_needed: mean !== 0 && deviation > 0 ? sampleSize({ difference: Math.abs(mean), deviation }) : null,
  };
}

/** Standard deviation, over the questions, of the mean difference in each. */
function deviationByQuestion(ours: readonly number[], theirs: readonly number[], questions: readonly number[]): number {
  const byQuestion = new Map<number, number[]>();
  questions.forEach((question, i) => {
    byQuestion.set(question, [...(byQuestion.get(question) ?? []), ours[i]! - theirs[i]!]);
  });
  return sampleDeviation([...byQuestion.values()].map((differences) => average(differences)));
}
