import { parseRating } from "../mt-bench/parse-judgment.ts";
import type { SingleJudgment } from "../mt-bench/rows.ts";
import { average } from "../statistics/interval.ts";
import { pairedDifference } from "../statistics/paired-difference.ts";

/** How far two judges agree on ratings. */
export interface RatingAgreement {
  /** Answers that both judges rated. */
  n: number;
  /** Mean of first minus second rating, and its 95% interval clustered by question; null with fewer than two questions. */
  difference: number | null;
  ci: [number, number] | null;
  /** Share of answers whose two ratings differ by at most 1. */
  within_one: number | null;
  /** Pearson's correlation of the ratings; null when one judge always gives the same. */
  correlation: number | null;
}

/** How far two judges' ratings of the same answers agree, matched by model, question and turn; the last of repeated ones counts. */
export function ratingAgreement(one: readonly SingleJudgment[], other: readonly SingleJudgment[]): RatingAgreement {
  const second = ratings(other);
  const both = [...ratings(one)].flatMap(([key, { rating, question }]) => {
    const theirs = second.get(key);
    return theirs === undefined ? [] : [{ question, ours: rating, theirs: theirs.rating }];
  });
  if (both.length === 0) return { n: 0, difference: null, ci: null, within_one: null, correlation: null };
  const [ours, theirs] = [both.map((pair) => pair.ours), both.map((pair) => pair.theirs)];
  const { mean, lo, hi, clusters } = pairedDifference(ours, theirs, { clusters: both.map((pair) => pair.question) });
  return {
    n: both.length,
    difference: mean,
    ci: clusters > 1 ? [lo, hi] : null,
    within_one: both.filter((pair) => Math.abs(pair.ours - pair.theirs) <= 1).length / both.length,
    correlation: correlationOf(ours, theirs),
  };
}

function ratings(judgments: readonly SingleJudgment[]): Map<string, { rating: number; question: number }> {
  const rated = judgments.map((row) => ({
    key: JSON.stringify([row.model, row.question_id, row.turn]),
    question: row.question_id,
    rating: typeof row.judgment === "string" ? parseRating(row.judgment) : row.score,
  }));
  return new Map(rated.filter(({ rating }) => rating !== -1).map(({ key, ...rest }) => [key, rest]));
}

function correlationOf(x: readonly number[], y: readonly number[]): number | null {
  const [meanX, meanY] = [average(x), average(y)];
  const product = (a: readonly number[], b: readonly number[], meanA: number, meanB: number) =>
    a.reduce((sum, value, i) => sum + (value - meanA) * (b[i]! - meanB), 0);
  const spread = Math.sqrt(product(x, x, meanX, meanX) * product(y, y, meanY, meanY));
  return spread > 0 ? product(x, y, meanX, meanY) / spread : null;
}
