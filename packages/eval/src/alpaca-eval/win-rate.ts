import { average, sampleDeviation } from "../statistics/interval.ts";

/** AlpacaEval's counts and rates, in percent, under the leaderboard's names. */
export interface WinRate {
  win_rate: number;
  standard_error: number;
  n_wins: number;
  n_wins_base: number;
  n_draws: number;
  n_total: number;
  discrete_win_rate: number;
}

/**
 * Win rate of the model from preferences between 1 (baseline wins) and 2 (model wins): nulls are dropped, 0 is an old
 * tie. The discrete rate rounds each preference, ties kept. Throws a RangeError when nothing is left.
 *
 * @example
 * winRate([2, 2, 1, 1.5]); // win_rate 62.5, n_wins 2, n_wins_base 1, n_draws 1
 */
export function winRate(preferences: readonly (number | null)[]): WinRate {
  const kept = preferences.filter((p): p is number => p !== null && Number.isFinite(p)).map((p) => (p === 0 ? 1.5 : p));
  const valid = kept.filter((p) => p >= 1 && p <= 2);
  if (valid.length === 0)
    throw new RangeError(`winRate: none of ${preferences.length} preferences lies between 1 and 2; check the annotations`);
  const shares = valid.map((p) => p - 1);
  const mean = average(shares);
  return {
    win_rate: 100 * mean,
    standard_error: (100 * sampleDeviation(shares, mean)) / Math.sqrt(shares.length),
    n_wins: shares.filter((x) => x > 0.5).length,
    n_wins_base: shares.filter((x) => x < 0.5).length,
    n_draws: shares.filter((x) => x === 0.5).length,
    n_total: shares.length,
    discrete_win_rate: 100 * average(valid.map((p) => (p === 1.5 ? 0.5 : Math.round(p) - 1))),
  };
}
