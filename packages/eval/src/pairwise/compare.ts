import type { Generate, Message } from "@zephyr/data";
import { type Answered, type AskOptions, askAll } from "../judging/ask-all.ts";
import { rateInterval } from "../statistics/interval.ts";
import { type PairwiseQuestion, pairwisePrompt, parseVerdict } from "./pairwise-prompt.ts";

/** One system's answer to one prompt. Several answers to a prompt share its `prompt_id`. */
export interface Answer {
  prompt_id: string;
  prompt: string | Message[];
  content: string;
}

/** A system's answers. */
export interface AnswerSet {
  name: string;
  answers: readonly Answer[];
}

export interface CompareOptions extends AskOptions {
  a: AnswerSet;
  b: AnswerSet;
  judge: Generate;
  /** What "better" means, in place of our wording. */
  criteria?: string;
  /** The judge's messages, in place of ours; its reply must still end in a verdict line. */
  promptFor?: (question: PairwiseQuestion) => Message[];
  /** Tokens of the judge's reply, 512 unless told. */
  maxTokens?: number;
}

/** Who won a game, or a pair of games; "error" where no verdict could be had. */
export type Winner = "a" | "b" | "tie" | "error";

/** One pair of answers, judged in both orders. */
export interface JudgedPair {
  prompt_id: string;
  winner: Winner;
  /** The winner when a was shown first, and when b was; both "tie" without a call where the answers are identical. */
  a_first: Winner;
  b_first: Winner;
  /** The judge's two replies, or what went wrong. */
  replies: string[];
}

/** What comparing two systems came to; counts are prompts, seen from a. */
export interface Comparison {
  a: string;
  b: string;
  /** Share of pairs that a won, ties counted half, 0 to 1; null when no pair could be judged. */
  win_rate: number | null;
  /** 95% interval of win_rate, clustered by prompt. */
  ci95: [number, number] | null;
  wins: number;
  losses: number;
  ties: number;
  /** Pairs left out because a reply held no verdict or a call failed. */
  errors: number;
  prompts: number;
  pairs: JudgedPair[];
}

/**
 * Compares two systems on the same prompts: a judge sees each pair of answers in both orders, a system wins a pair only
 * if both orders agree, and all else is a tie (Zheng et al. 2023, section 3.4). Identical answers tie without a call.
 * Throws when the sets do not answer the same prompts equally often, and when no call succeeds.
 *
 * @example
 * const { win_rate, ci95 } = await compare({ a: { name: "dDPO", answers }, b: { name: "dSFT", answers: others }, judge });
 */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const { a, b, judge, criteria, promptFor = pairwisePrompt, maxTokens = 512, ...asking } = options;
  const matched = matchAnswers(a, b);
  const differing = matched.filter((pair) => pair.a !== pair.b);
  const calls = differing.flatMap((pair) =>
    [
      { answerA: pair.a, answerB: pair.b },
      { answerA: pair.b, answerB: pair.a },
    ].map((answers) => ({
      messages: promptFor({ prompt: pair.prompt, ...answers, ...(criteria === undefined ? {} : { criteria }) }),
      options: { temperature: 0, maxTokens },
    })),
  );
  const outcomes = await askAll(calls, judge, asking);
  let next = 0;
  const pairs = matched.map((pair): JudgedPair => {
    if (pair.a === pair.b) return { prompt_id: pair.prompt_id, winner: "tie", a_first: "tie", b_first: "tie", replies: [] };
    const [first, second] = [outcomes[next++]!, outcomes[next++]!];
    const [aFirst, bFirst] = [winnerOf(first, "a", "b"), winnerOf(second, "b", "a")];
    const winner = agreed(aFirst, bFirst);
    return {
      prompt_id: pair.prompt_id,
      winner,
      a_first: aFirst,
      b_first: bFirst,
      replies: [replyText(first), replyText(second)],
    };
  });
  return { a: a.name, b: b.name, ...tally(pairs), pairs };
}

/** Counts, win rate and clustered interval of judged pairs, as `compare` reports them; for stored judgments. */
export function tally(pairs: readonly JudgedPair[]): Omit<Comparison, "a" | "b" | "pairs"> {
  const judged = pairs.filter((pair) => pair.winner !== "error");
  const points = judged.map(({ winner }) => (winner === "a" ? 1 : winner === "tie" ? 0.5 : 0));
  const count = (winner: Winner) => pairs.filter((pair) => pair.winner === winner).length;
  const interval =
    points.length > 0
      ? rateInterval(
          points,
          judged.map((pair) => pair.prompt_id),
        )
      : undefined;
  return {
    win_rate: interval?.mean ?? null,
    ci95: interval ? [interval.lo, interval.hi] : null,
    wins: count("a"),
    losses: count("b"),
    ties: count("tie"),
    errors: count("error"),
    prompts: new Set(pairs.map((pair) => pair.prompt_id)).size,
  };
}

function agreed(first: Winner, second: Winner): Winner {
  if (first === "error" || second === "error") return "error";
  return first === second ? first : "tie";
}

function winnerOf(outcome: Answered, shownAsA: Winner, shownAsB: Winner): Winner {
  const verdict = outcome.ok ? parseVerdict(outcome.completion.content) : undefined;
  return verdict === "A" ? shownAsA : verdict === "B" ? shownAsB : (verdict ?? "error");
}

const replyText = (outcome: Answered) => (outcome.ok ? outcome.completion.content : `call failed: ${outcome.error.message}`);

interface MatchedPair {
  prompt_id: string;
  prompt: string | Message[];
  a: string;
  b: string;
}

function matchAnswers(a: AnswerSet, b: AnswerSet): MatchedPair[] {
  if (a.answers.length === 0) throw new RangeError(`compare: "${a.name}" has no answers; give at least one`);
  const waiting = new Map<string, Answer[]>();
  for (const answer of b.answers) waiting.set(answer.prompt_id, [...(waiting.get(answer.prompt_id) ?? []), answer]);
  const pairs = a.answers.map(({ prompt_id, prompt, content }) => {
    const other = waiting.get(prompt_id)?.shift();
    if (!other)
      throw new RangeError(
        `compare: prompt "${prompt_id}" is answered by "${a.name}" more often than by "${b.name}"; both sets must answer the same prompts`,
      );
    if (JSON.stringify(prompt) !== JSON.stringify(other.prompt))
      throw new RangeError(
        `compare: prompt_id "${prompt_id}" means different prompts in "${a.name}" and "${b.name}"; make the ids agree`,
      );
    return { prompt_id, prompt, a: content, b: other.content };
  });
  const left = [...waiting].find(([, answers]) => answers.length > 0);
  if (left)
    throw new RangeError(
      `compare: prompt "${left[0]}" is answered by "${b.name}" more often than by "${a.name}"; both sets must answer the same prompts`,
    );
  return pairs;
}
