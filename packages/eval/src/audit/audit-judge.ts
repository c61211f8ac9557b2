import { codePoints } from "../alpaca-eval/rows.ts";
import type { Winner } from "../pairwise/compare.ts";
import { type Interval, rateInterval } from "../statistics/interval.ts";
import { type ConstantAnswer, findConstantAnswers } from "./constant-answers.ts";
import { findInjections, type Injection } from "./injections.ts";

/** One pair of answers as a judge saw it, in one order or both. */
export interface AuditedPair {
  id: string;
  a_name: string;
  b_name: string;
  /** The answers; without them length and content cannot be audited. */
  a?: string;
  b?: string;
  /** Winner of the game that showed a first, and of the one that showed b first; null where that was not played. */
  a_first: Winner | null;
  b_first: Winner | null;
}

/** What a judge's verdicts say about the judge. */
export interface JudgeAudit {
  /** Games with a verdict, of pairs without errors, by the place of the winner. */
  position: { first: number; second: number; tie: number };
  /** Share of decided games won by the answer shown first, 0.5 for a fair judge, with its 95% interval. */
  first_share: number | null;
  first_share_ci: [number, number] | null;
  /** Pairs judged in both orders: same winner (or tie) twice; the first shown twice; the second twice; a tie and a win. */
  consistent: number;
  both_first: number;
  both_second: number;
  tie_versus_win: number;
  /** consistent / all pairs judged in both orders. */
  consistency: number | null;
  consistency_ci: [number, number] | null;
  tie_rate: number | null;
  /** Games without a verdict, and their share. */
  unparsed: number;
  unparsed_rate: number | null;
  /** Share of decided pairs of unequal length won by the longer answer, in code points. */
  prefers_longer: number | null;
  prefers_longer_ci: [number, number] | null;
  prefers_longer_n: number;
  constant_answers: ConstantAnswer[];
  injection: Injection[];
}

/**
 * How a judge behaves, from its own verdicts alone: position bias, self-consistency, ties, replies without a verdict,
 * length preference, and answers that look constant or address the judge. Intervals are clustered by pair.
 * Throws a RangeError when there are no pairs. Source: Zheng et al. 2023, section 3.3 (position and verbosity bias).
 *
 * @example
 * auditJudge(pairsOfComparison(comparison, a, b)).consistency;
 */
export function auditJudge(pairs: readonly AuditedPair[]): JudgeAudit {
  if (pairs.length === 0) throw new RangeError("auditJudge: there are no pairs; judge at least one");
  const games = pairs.flatMap(gamesOf);
  const unparsed = games.filter((game) => game.place === "error").length;
  const judged = pairs.filter((pair) => !gamesOf(pair).some((game) => game.place === "error"));
  const valid = judged.flatMap(gamesOf);
  const count = (place: Place) => valid.filter((game) => game.place === place).length;
  const decided = valid.filter((game) => game.place !== "tie");
  const first = interval(
    decided.map((game) => (game.place === "first" ? 1 : 0)),
    decided.map((game) => game.id),
  );
  const longer = lengthPreferences(judged);
  const both = ordersAgree(judged);
  return {
    position: { first: count("first"), second: count("second"), tie: count("tie") },
    first_share: first?.mean ?? null,
    first_share_ci: ends(first),
    consistent: both.consistent,
    both_first: both.both_first,
    both_second: both.both_second,
    tie_versus_win: both.tie_versus_win,
    consistency: both.interval?.mean ?? null,
    consistency_ci: ends(both.interval),
    tie_rate: valid.length > 0 ? count("tie") / valid.length : null,
    unparsed,
    unparsed_rate: games.length > 0 ? unparsed / games.length : null,
    prefers_longer: longer?.mean ?? null,
    prefers_longer_ci: ends(longer),
    prefers_longer_n: longer?.n ?? 0,
    constant_answers: findConstantAnswers(pairs),
    injection: findInjections(pairs),
  };
}

type Place = "first" | "second" | "tie" | "error";

function gamesOf(pair: AuditedPair): { id: string; place: Place }[] {
  const place = (winner: Winner, shownFirst: Winner): Place =>
    winner === "tie" || winner === "error" ? winner : winner === shownFirst ? "first" : "second";
  return [
    ...(pair.a_first === null ? [] : [{ id: pair.id, place: place(pair.a_first, "a") }]),
    ...(pair.b_first === null ? [] : [{ id: pair.id, place: place(pair.b_first, "b") }]),
  ];
}

function ordersAgree(pairs: readonly AuditedPair[]) {
  const both = pairs.filter((pair) => pair.a_first !== null && pair.b_first !== null);
  const same = both.map((pair) => pair.a_first === pair.b_first);
  const consistent = same.filter(Boolean).length;
  const both_first = both.filter((pair) => pair.a_first === "a" && pair.b_first === "b").length;
  const both_second = both.filter((pair) => pair.a_first === "b" && pair.b_first === "a").length;
  return {
    consistent,
    both_first,
    both_second,
    tie_versus_win: both.length - consistent - both_first - both_second,
    interval: interval(
      same.map(Number),
      both.map((pair) => pair.id),
    ),
  };
}

function lengthPreferences(pairs: readonly AuditedPair[]): Interval | undefined {
  const wins = pairs.flatMap((pair) => {
    const winner = outcomeOf(pair);
    if (pair.a === undefined || pair.b === undefined || (winner !== "a" && winner !== "b")) return [];
    const difference = codePoints(pair.a) - codePoints(pair.b);
    return difference === 0 ? [] : [{ id: pair.id, longer: difference > 0 === (winner === "a") ? 1 : 0 }];
  });
  return interval(
    wins.map((win) => win.longer),
    wins.map((win) => win.id),
  );
}

/** The winner of a pair: of its one game, or of both if they agree. */
export function outcomeOf({ a_first, b_first }: Pick<AuditedPair, "a_first" | "b_first">): Winner {
  if (a_first === "error" || b_first === "error") return "error";
  const [one, other] = [a_first ?? b_first, b_first ?? a_first];
  return one !== null && one === other ? one : "tie";
}

const interval = (values: number[], ids: string[]) => (values.length > 0 ? rateInterval(values, ids) : undefined);
const ends = (found: Interval | undefined): [number, number] | null => (found ? [found.lo, found.hi] : null);
