import { pick } from "../draw.ts";
import { bestOf, type PairRule } from "./rule.ts";

/** Best completion against a random one at least `margin` below it; a row without such a one is dropped. */
export const bestAgainstMargin: PairRule = (candidates, draw, margin) => {
  const chosen = pick(bestOf(candidates), draw);
  // Means of aspects are thirds and quarters: 4.25 - 3.25 must count as 1 whatever the rounding.
  const lower = candidates.filter(({ score }) => chosen.score - score >= margin - 1e-9);
  if (lower.length === 0) return { dropped: "margin" };
  return { pairs: [{ chosen, rejected: pick(lower, draw) }] };
};
