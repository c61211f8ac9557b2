import { pick } from "../draw.ts";
import { bestOf, type PairRule } from "./rule.ts";

/**
 * Best completion against a random other one: the rule of the Zephyr paper (section 3, "AI feedback", on the mean
 * of the aspects) and of the dataset that was published with it (on the overall score).
 *
 * Where several are best, the row's draw takes one of them. The other may have the same score, as in the published data.
 */
export const bestAgainstRandom: PairRule = (candidates, draw) => {
  const chosen = pick(bestOf(candidates), draw);
  const rejected = pick(
    candidates.filter((candidate) => candidate !== chosen),
    draw,
  );
  return { pairs: [{ chosen, rejected }] };
};
