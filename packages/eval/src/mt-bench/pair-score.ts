import { average, rateInterval } from "../statistics/interval.ts";
import { winnerOfGame } from "./parse-judgment.ts";
import type { PairJudgment, PairWinner } from "./rows.ts";

/** How one model did against another. */
export interface PairScore {
  model_1: string;
  model_2: string;
  /** Counts of question-turns for model_1; a tie is a tied first game or two games that disagree. */
  wins: number;
  losses: number;
  ties: number;
  /** Question-turns left out because a game has no verdict. */
  errors: number;
  /** wins / (wins + losses + ties), and the same with ties counted half; null when nothing could be judged. */
  win_rate: number | null;
  win_rate_adjusted: number | null;
  /** 95% interval of win_rate_adjusted, clustered by question. */
  ci: [number, number] | null;
}

/** All pairs of models that were compared. */
export interface PairScores {
  pairs: PairScore[];
  /** Judgments that a later one of the same models, question, turn and judge replaced. */
  repeated: number;
}

/**
 * Pairwise MT-Bench results from stored judgments, one entry per pair of models, verdicts parsed again from the text.
 * `compare: [A, B]` keeps that pair only, seen from A; throws a RangeError when it was never judged.
 */
export function scorePairs(
  judgments: readonly PairJudgment[],
  { compare }: { compare?: readonly [string, string] } = {},
): PairScores {
  judgments.forEach(checkJudgment);
  const kept = lastOfEach(judgments);
  const byPair = new Map<string, { names: [string, string]; rows: PairJudgment[] }>();
  for (const row of kept) {
    const key = JSON.stringify([row.model_1, row.model_2].sort());
    const names: [string, string] =
      compare && row.model_1 === compare[1] ? [row.model_2, row.model_1] : [row.model_1, row.model_2];
    const entry = byPair.get(key) ?? { names, rows: [] };
    entry.rows.push(row);
    byPair.set(key, entry);
  }
  const wanted = compare ? [byPair.get(JSON.stringify([...compare].sort()))] : [...byPair.values()];
  if (compare && !wanted[0]) {
    const known = [...byPair.values()].map(({ names }) => names.join(","));
    throw new RangeError(
      `scorePairs: "${compare.join('" and "')}" were never compared; the file holds ${known.join("; ") || "no pairs"}`,
    );
  }
  return { pairs: wanted.map((entry) => scoreOf(entry!.names, entry!.rows)), repeated: judgments.length - kept.length };
}

/** The result of a question and turn for the row's models: a win needs both games. */
export function pairOutcome(row: PairJudgment): PairWinner {
  const first = typeof row.g1_judgment === "string" ? winnerOfGame(row.g1_judgment, 1) : row.g1_winner;
  const second = typeof row.g2_judgment === "string" ? winnerOfGame(row.g2_judgment, 2) : row.g2_winner;
  if (first === "error" || second === "error") return "error";
  return first === second ? first : "tie";
}

const WINNERS: readonly unknown[] = ["model_1", "model_2", "tie", "error"];

function checkJudgment(row: PairJudgment, i: number): void {
  const { model_1, model_2, question_id, turn } = row;
  const place = `judgment ${i} (${model_1} against ${model_2}, question ${question_id}, turn ${turn})`;
  if (typeof model_1 !== "string" || typeof model_2 !== "string" || typeof question_id !== "number" || typeof turn !== "number")
    throw new TypeError(`scorePairs: ${place} lacks models, question or turn; give MT-Bench's pair judgments`);
  for (const game of ["g1", "g2"] as const)
    if (typeof row[`${game}_judgment`] !== "string" && !WINNERS.includes(row[`${game}_winner`]))
      throw new TypeError(`scorePairs: ${place} has neither text nor winner of game ${game}; judge it again`);
}

function lastOfEach(judgments: readonly PairJudgment[]): PairJudgment[] {
  return [
    ...new Map(
      judgments.map((row) => [JSON.stringify([[row.model_1, row.model_2].sort(), row.question_id, row.turn, row.judge]), row]),
    ).values(),
  ];
}

function scoreOf([model_1, model_2]: [string, string], rows: readonly PairJudgment[]): PairScore {
  const results = rows.map((row) => ({ question: row.question_id, points: pointsOf(row, model_1) }));
  const judged = results.filter((result): result is { question: number; points: number } => result.points !== null);
  const points = judged.map((result) => result.points);
  const count = (value: number) => points.filter((p) => p === value).length;
  const interval =
    points.length > 0
      ? rateInterval(
          points,
          judged.map((result) => result.question),
        )
      : undefined;
  return {
    model_1,
    model_2,
    wins: count(1),
    losses: count(0),
    ties: count(0.5),
    errors: results.length - judged.length,
    win_rate: points.length > 0 ? count(1) / points.length : null,
    win_rate_adjusted: points.length > 0 ? average(points) : null,
    ci: interval ? [interval.lo, interval.hi] : null,
  };
}

function pointsOf(row: PairJudgment, model: string): number | null {
  const outcome = pairOutcome(row);
  if (outcome === "error") return null;
  return outcome === "tie" ? 0.5 : row[outcome] === model ? 1 : 0;
}
