import type { PairRule } from "./rule.ts";

/** Every pair of completions whose scores differ, in the row's order (the K(K-1)/2 comparisons of InstructGPT, section 3.5, without ties). */
export const allPairs: PairRule = (candidates) => {
  const pairs = candidates.flatMap((a, i) =>
    candidates.slice(i + 1).flatMap((b) => {
      if (a.score === b.score) return [];
      return [a.score > b.score ? { chosen: a, rejected: b } : { chosen: b, rejected: a }];
    }),
  );
  return pairs.length === 0 ? { dropped: "tie" } : { pairs };
};
