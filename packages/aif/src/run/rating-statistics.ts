import type { RatedCompletion } from "@zephyr/data";
import { RatingParseError } from "../parse-rating.ts";
import { parseListwiseReply } from "../parse-reply.ts";
import type { JudgedRow } from "../rate.ts";

/** What a file of rated rows looks like as a whole. */
export interface RatingStatistics {
  rows: number;
  completions: number;
  /** Completions by overall score, rounded to whole numbers. */
  score_histogram: Record<string, number>;
  /** Share of rows in which two or more completions share the best score. */
  tie_rate: number | null;
  aspects: Record<string, { mean: number | null; not_applicable: number; ratings: Record<string, number> }>;
  /** Mean rating by the place at which a text was shown to the judge: flat when places do not matter. */
  position_means: Record<string, (number | null)[]>;
  models: Record<string, { completions: number; mean_score: number | null; mean_rating: number | null }>;
}

interface Mean {
  sum: number;
  count: number;
}

/** Reads rated rows once and counts. */
export async function ratingStatistics(rows: AsyncIterable<JudgedRow>): Promise<RatingStatistics> {
  const histogram: Record<string, number> = {};
  const aspects = new Map<string, Mean & { notApplicable: number; ratings: Record<string, number> }>();
  const positions = new Map<string, Mean[]>();
  const models = new Map<string, { completions: number; score: Mean; rating: Mean }>();
  let rowCount = 0;
  let completionCount = 0;
  let ties = 0;

  for await (const { completions, judge_replies = [] } of rows) {
    rowCount++;
    completionCount += completions.length;
    if (isTied(completions)) ties++;
    for (const completion of completions) countCompletion(completion);
    for (const { aspect, order, reply } of judge_replies) if (order.length > 1) countPositions(aspect, order.length, reply);
  }

  function countCompletion({ model, overall_score, annotations = {} }: RatedCompletion): void {
    const own = at(models, model, () => ({ completions: 0, score: emptyMean(), rating: emptyMean() }));
    own.completions++;
    if (overall_score !== undefined) {
      const bin = String(Math.round(overall_score));
      histogram[bin] = (histogram[bin] ?? 0) + 1;
      add(own.score, overall_score);
    }
    for (const [name, { rating }] of Object.entries(annotations)) {
      const aspect = at(aspects, name, () => ({ ...emptyMean(), notApplicable: 0, ratings: {} as Record<string, number> }));
      aspect.ratings[String(rating)] = (aspect.ratings[String(rating)] ?? 0) + 1;
      if (rating === "N/A") aspect.notApplicable++;
      else {
        add(aspect, rating);
        add(own.rating, rating);
      }
    }
  }

  function countPositions(aspect: string, count: number, reply: string): void {
    const means = at(positions, aspect, () => Array.from({ length: count }, emptyMean));
    for (const [place, { rating }] of verdictsOf(reply, count).entries()) {
      means[place] ??= emptyMean();
      if (rating !== "N/A") add(means[place], rating);
    }
  }

  return {
    rows: rowCount,
    completions: completionCount,
    score_histogram: histogram,
    tie_rate: rowCount === 0 ? null : ties / rowCount,
    aspects: mapValues(aspects, ({ notApplicable, ratings, ...mean }) => ({
      mean: meanOf(mean),
      not_applicable: notApplicable,
      ratings,
    })),
    position_means: mapValues(positions, (means) => means.map(meanOf)),
    models: mapValues(models, ({ completions, score, rating }) => ({
      completions,
      mean_score: meanOf(score),
      mean_rating: meanOf(rating),
    })),
  };
}

/** Verdicts in the order shown; comparisons of two texts hold none. */
function verdictsOf(reply: string, count: number): { rating: number | "N/A" }[] {
  try {
    return parseListwiseReply(reply, count, 10);
  } catch (error) {
    if (error instanceof RatingParseError) return [];
    throw error;
  }
}

/** By overall score where there is one, else by the mean of the ratings. */
function isTied(completions: RatedCompletion[]): boolean {
  const scores = completions.map(({ overall_score, annotations = {} }) => {
    const ratings = Object.values(annotations).flatMap(({ rating }) => (rating === "N/A" ? [] : [rating]));
    return (
      overall_score ??
      (ratings.length === 0 ? Number.NEGATIVE_INFINITY : ratings.reduce((sum, rating) => sum + rating, 0) / ratings.length)
    );
  });
  const best = Math.max(...scores);
  return best > Number.NEGATIVE_INFINITY && scores.filter((score) => score === best).length > 1;
}

function emptyMean(): Mean {
  return { sum: 0, count: 0 };
}

function add(mean: Mean, value: number): void {
  mean.sum += value;
  mean.count++;
}

function meanOf({ sum, count }: Mean): number | null {
  return count === 0 ? null : sum / count;
}

function at<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function mapValues<V, W>(map: Map<string, V>, convert: (value: V) => W): Record<string, W> {
  return Object.fromEntries([...map].map(([key, value]) => [key, convert(value)]));
}
