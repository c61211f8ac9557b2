import type { Winner } from "../pairwise/compare.ts";
import { rateInterval } from "../statistics/interval.ts";

/** How far two judges agree on pairs. */
export interface JudgeAgreement {
  /** Pairs that both judges decided. */
  n: number;
  /** Share with the same verdict, ties included, and its 95% interval. */
  agreement: number | null;
  ci: [number, number] | null;
  /** The same over pairs where neither judge saw a tie. */
  agreement_without_ties: number | null;
  n_without_ties: number;
  /** Agreement beyond chance, 0 for none, 1 for perfect (Cohen 1960); null when chance agreement is certain. */
  kappa: number | null;
}

/** How far two judges agree on the same pairs, matched by id; pairs that either could not judge are left out. */
export function judgeAgreement(
  one: readonly { id: string; winner: Winner }[],
  other: readonly { id: string; winner: Winner }[],
): JudgeAgreement {
  const second = new Map(other.map(({ id, winner }) => [id, winner]));
  const both = one.flatMap(({ id, winner }) => {
    const theirs = second.get(id);
    return theirs === undefined || theirs === "error" || winner === "error" ? [] : [{ id, ours: winner, theirs }];
  });
  if (both.length === 0) return { n: 0, agreement: null, ci: null, agreement_without_ties: null, n_without_ties: 0, kappa: null };
  const same = (pairs: typeof both) => pairs.map(({ ours, theirs }) => (ours === theirs ? 1 : 0));
  const { mean, lo, hi } = rateInterval(
    same(both),
    both.map(({ id }) => id),
  );
  const decided = both.filter(({ ours, theirs }) => ours !== "tie" && theirs !== "tie");
  const share = (which: "ours" | "theirs", winner: Winner) => both.filter((pair) => pair[which] === winner).length / both.length;
  const chance = (["a", "b", "tie"] as const).reduce((sum, winner) => sum + share("ours", winner) * share("theirs", winner), 0);
  return {
    n: both.length,
    agreement: mean,
    ci: [lo, hi],
    agreement_without_ties: decided.length > 0 ? rateInterval(same(decided)).mean : null,
    n_without_ties: decided.length,
    kappa: chance < 1 ? (mean - chance) / (1 - chance) : null,
  };
}
