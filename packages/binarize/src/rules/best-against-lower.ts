import { pick } from "../draw.ts";
import { bestOf, type PairRule } from "./rule.ts";

/**
 * Best completion against a random one of those that are strictly lower: Argilla's rule (ultrafeedback-binarized-preferences-cleaned).
 * A row whose completions all have the same score is dropped as a tie.
 */
export const bestAgainstLower: PairRule = (candidates, draw) => {
  const chosen = pick(bestOf(candidates), draw);
  const lower = candidates.filter(({ score }) => score < chosen.score);
  if (lower.length === 0) return { dropped: "tie" };
  return { pairs: [{ chosen, rejected: pick(lower, draw) }] };
};
