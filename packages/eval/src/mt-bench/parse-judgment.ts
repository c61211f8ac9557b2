import type { PairWinner } from "./rows.ts";

/**
 * The rating in a judgment: the first [[number]], else the first [number], else -1. Not clamped, as in FastChat.
 *
 * @example
 * parseRating("Good. Rating: [[8.5]]"); // 8.5
 */
export function parseRating(judgment: string): number {
  const match = /\[\[(\d+\.?\d*)\]\]/.exec(judgment) ?? /\[(\d+\.?\d*)\]/.exec(judgment);
  return match ? Number(match[1]) : -1;
}

/** The verdict of one game: "[[A]]" anywhere, else "[[B]]", else "[[C]]" for a tie, else an error. */
export function parsePairVerdict(judgment: string): "A" | "B" | "tie" | "error" {
  if (judgment.includes("[[A]]")) return "A";
  if (judgment.includes("[[B]]")) return "B";
  return judgment.includes("[[C]]") ? "tie" : "error";
}

/** Who won a game: in game 1 model_1 is A, in game 2 it is B. */
export function winnerOfGame(judgment: string, game: 1 | 2): PairWinner {
  const verdict = parsePairVerdict(judgment);
  if (verdict === "tie" || verdict === "error") return verdict;
  return (verdict === "A") === (game === 1) ? "model_1" : "model_2";
}
