import type { ScoreName } from "./presets.ts";
import type { ReadCompletion } from "./rated-row.ts";

/** Lowest and highest rating that a judge may give. */
export type Scale = readonly [lowest: number, highest: number];

/** A completion's score, nothing to score, or a rating that cannot be one (`aspect` is "overall_score" for the overall score). */
export type Score =
  | { kind: "rated"; value: number }
  | { kind: "unrated" }
  | { kind: "bad"; aspect: string; rating: unknown; why: string };

const unrated: Score = { kind: "unrated" };

export interface Scales {
  aspect: Scale;
  overall: Scale;
}

/** Scores of a row's completions, in their order. Never throws: a bad rating is a value that the caller judges. */
export function scoreCompletions(completions: readonly ReadCompletion[], score: ScoreName, scales: Scales): Score[] {
  if (score === "overall") return completions.map(({ overallScore }) => overall(overallScore, scales.overall));
  // A row's completions are rated on the same aspects; one that lacks an aspect would get a mean of something else.
  const aspects = new Set<string>();
  for (const { ratings } of completions) for (const aspect of ratings.keys()) aspects.add(aspect);
  return completions.map(({ ratings }) => mean(ratings, aspects, scales.aspect));
}

/** Arithmetic mean of the aspects' ratings, "N/A" left out; no annotation at all or only "N/A" is unrated. */
function mean(ratings: ReadonlyMap<string, unknown>, aspects: ReadonlySet<string>, scale: Scale): Score {
  if (ratings.size === 0) return unrated;
  let sum = 0;
  let count = 0;
  for (const aspect of aspects) {
    const rating = ratings.get(aspect);
    if (rating === "N/A") continue;
    const number = toNumber(rating);
    const why = fault(number, rating, scale);
    if (why !== undefined) return { kind: "bad", aspect, rating, why };
    sum += number;
    count += 1;
  }
  return count === 0 ? unrated : { kind: "rated", value: sum / count };
}

function overall(rating: unknown, scale: Scale): Score {
  if (rating === undefined || rating === null || rating === "N/A") return unrated;
  const value = toNumber(rating);
  const why = fault(value, rating, scale);
  return why === undefined ? { kind: "rated", value } : { kind: "bad", aspect: "overall_score", rating, why };
}

/** openbmb/UltraFeedback stores its ratings as strings of digits; anything else that is text is no rating. */
function toNumber(rating: unknown): number {
  if (typeof rating === "number") return rating;
  return typeof rating === "string" && /^\d+(\.\d+)?$/.test(rating.trim()) ? Number(rating) : Number.NaN;
}

function fault(value: number, rating: unknown, [lowest, highest]: Scale): string | undefined {
  if (rating === undefined || rating === null) return "is missing";
  if (Number.isNaN(value)) return "is not a number";
  return value < lowest || value > highest ? `is outside ${lowest} to ${highest}` : undefined;
}
