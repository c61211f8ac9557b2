import { pick } from "../draw.ts";
import { bestOf, type PairRule } from "./rule.ts";

/** Highest score against lowest, the row's draw deciding among equals; a row without a difference is dropped as a tie. */
export const bestAgainstWorst: PairRule = (candidates, draw) => {
  const chosen = pick(bestOf(candidates), draw);
  const lowest = Math.min(...candidates.map(({ score }) => score));
  if (lowest === chosen.score) return { dropped: "tie" };
  const rejected = pick(
    candidates.filter(({ score }) => score === lowest),
    draw,
  );
  return { pairs: [{ chosen, rejected }] };
};
