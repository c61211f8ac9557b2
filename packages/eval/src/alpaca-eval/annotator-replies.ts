import { cpythonRandom } from "../random/cpython-random.ts";
import { parsePythonLiteral } from "./python-literal.ts";
import type { Annotation } from "./rows.ts";

/**
 * Whether AlpacaEval shows the two outputs of an instruction in swapped order: the first draw of a CPython generator
 * seeded with the text "is_switched_outputs" + instruction + seed.
 */
export function isSwitched(instruction: string, seed = 0): boolean {
  return cpythonRandom(`is_switched_outputs${instruction}${seed}`).random() >= 0.5;
}

/** The preference seen from the unswapped order: 1 and 2 change places. */
export function unswitch(preference: number | null, switched: boolean): number | null {
  return preference === null || !switched ? preference : 3 - preference;
}

/**
 * Preference in a ranking reply (`alpaca_eval_gpt4`): a Python list of {'model', 'rank'}; the rank of model_1, which must
 * be 1 or 2. Null when the reply is anything else.
 */
export function parseRanking(reply: string): number | null {
  const list = parsePythonLiteral(reply);
  if (!Array.isArray(list)) return null;
  const entry = list.find(
    (item) => typeof item === "object" && item !== null && !Array.isArray(item) && item["model"] === "model_1",
  );
  const rank = (entry as Record<string, unknown> | undefined)?.["rank"];
  return rank === 1 || rank === 2 ? rank : null;
}

interface TokenLogprob {
  token: string;
  logprob: number;
}

/**
 * Preference in the first token's log-probabilities (`weighted_alpaca_eval_gpt4_turbo`): 2 - P("m"), P over the exact
 * tokens "m" and "M"; a token outside the list has probability 0, and null comes back when both are.
 */
export function parseTokenLogprobs(top: readonly TokenLogprob[]): number | null {
  const probability = (token: string) => {
    const entry = top.find((candidate) => candidate.token === token);
    return entry ? Math.exp(entry.logprob) : 0;
  };
  const [m, capital] = [probability("m"), probability("M")];
  return m + capital > 0 ? 2 - m / (m + capital) : null;
}

/** The first token's top log-probabilities in an OpenAI choice as AlpacaEval stores it, or undefined. */
export function topLogprobsOf(raw: unknown): TokenLogprob[] | undefined {
  const content = (raw as { logprobs?: { content?: { top_logprobs?: unknown }[] } } | null)?.logprobs?.content;
  const top = Array.isArray(content) ? content[0]?.top_logprobs : undefined;
  if (!Array.isArray(top)) return undefined;
  return top.filter((entry): entry is TokenLogprob => typeof entry?.token === "string" && typeof entry?.logprob === "number");
}

/**
 * The preference of a row rebuilt from its stored raw reply and the swap of its instruction: 1.5 for identical outputs, null
 * where the judge failed or its reply holds no verdict. Throws when the row has no raw reply at all.
 */
export function preferenceFromReply(row: Annotation, seed = 0): number | null {
  const raw = row.raw_completion;
  // Identical outputs tie without a call; a stored null is a call that failed.
  if (row.output_1 !== undefined && row.output_1 === row.output_2) return 1.5;
  if (raw === null) return null;
  if (typeof raw !== "string" && typeof raw !== "object")
    throw new TypeError(
      `preferenceFromReply: instruction "${row.instruction.slice(0, 60)}" has neither a preference nor a raw_completion; drop the row or judge it again`,
    );
  const verdict = typeof raw === "string" ? parseRanking(raw) : parseTokenLogprobs(topLogprobsOf(raw) ?? []);
  return unswitch(verdict, isSwitched(row.instruction, seed));
}
