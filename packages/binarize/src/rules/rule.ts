import type { Draw } from "../draw.ts";

/** A rated completion as a rule sees it: its place in the row, and its score. */
export interface Candidate {
  index: number;
  score: number;
}

export interface Pair {
  chosen: Candidate;
  rejected: Candidate;
}

/** The pairs a row gives, or why it gives none. */
export type Selection = { pairs: Pair[] } | { dropped: "tie" | "margin" };

/** At least two candidates in, pairs out; `margin` is in units of the score and read by the margin rule only. */
export type PairRule = (candidates: readonly Candidate[], draw: Draw, margin: number) => Selection;

/** All candidates that share the highest score. */
export function bestOf(candidates: readonly Candidate[]): Candidate[] {
  const highest = Math.max(...candidates.map(({ score }) => score));
  return candidates.filter(({ score }) => score === highest);
}
