import type { Candidate } from "./rule.ts";

/** Completions from best to worst with their ranks from 1; equals share the smaller rank and keep the row's order. */
export function listwise(candidates: readonly Candidate[]): { candidate: Candidate; rank: number }[] {
  const sorted = candidates.toSorted((a, b) => b.score - a.score || a.index - b.index);
  return sorted.map((candidate) => ({
    candidate,
    rank: 1 + sorted.findIndex(({ score }) => score === candidate.score),
  }));
}
