import { transform } from "../pipe.ts";
import type { Message, Rows } from "../rows.ts";
import { isMessageList, rowName, toMessages } from "./conversation.ts";

/** A pair in TRL's explicit-prompt form: all three texts, or all three message lists. */
export type ExplicitPreference =
  | { prompt: string; chosen: string; rejected: string }
  | { prompt: Message[]; chosen: Message[]; rejected: Message[] };

function sameMessage(a: Message | undefined, b: Message | undefined): boolean {
  return a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

/** How many leading entries two sequences share; always leaves one entry, since TRL cuts a sequence that is a prefix of the other so. */
function sharedLength<T>(a: readonly T[], b: readonly T[], same: (x: T | undefined, y: T | undefined) => boolean): number {
  const shorter = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < shorter && same(a[shared], b[shared])) shared++;
  return Math.min(shared, Math.max(shorter - 1, 0));
}

/**
 * Cuts the prompt that chosen and rejected begin with off both. For texts a space before the first difference goes to the answers.
 * The rule of TRL's `extract_prompt`.
 */
export function extractPrompt(chosen: string, rejected: string): ExplicitPreference;
export function extractPrompt(chosen: Message[], rejected: Message[]): ExplicitPreference;
export function extractPrompt(chosen: string | Message[], rejected: string | Message[]): ExplicitPreference {
  if (typeof chosen !== "string" && typeof rejected !== "string") {
    const shared = sharedLength(chosen, rejected, sameMessage);
    return { prompt: chosen.slice(0, shared), chosen: chosen.slice(shared), rejected: rejected.slice(shared) };
  }
  const [a, b] = [[...(chosen as string)], [...(rejected as string)]];
  let shared = sharedLength(a, b, (x, y) => x === y);
  if (shared > 0 && a[shared] !== b[shared] && a[shared - 1] === " ") shared--;
  return { prompt: a.slice(0, shared).join(""), chosen: a.slice(shared).join(""), rejected: b.slice(shared).join("") };
}

/**
 * A preference row of any published form as an explicit prompt and two answers: TRL's explicit and implicit prompts, texts and
 * conversations, from/value messages, and whole dialogues beside a text prompt (ultrafeedback_binarized, argilla's cleaned set).
 *
 * @throws TypeError naming row and column.
 */
export function toExplicitPreference(row: object, place: string): ExplicitPreference {
  const { prompt, chosen, rejected } = row as Record<string, unknown>;
  if (typeof chosen === "string" && typeof rejected === "string") {
    if (typeof prompt === "string") return { prompt, chosen, rejected };
    if (prompt === undefined || prompt === null) return extractPrompt(chosen, rejected);
    const answer = (content: string): Message[] => [{ role: "assistant", content }];
    return { prompt: toMessages(prompt, `${place}: prompt`), chosen: answer(chosen), rejected: answer(rejected) };
  }
  if (!isMessageList(chosen) || !isMessageList(rejected)) {
    const [name, value] = isMessageList(chosen) || typeof chosen === "string" ? ["rejected", rejected] : ["chosen", chosen];
    throw new TypeError(
      `${place}: ${name} is ${value === undefined ? "missing" : "neither text nor a list of messages like its counterpart"}`,
    );
  }
  const answers = [toMessages(chosen, `${place}: chosen`), toMessages(rejected, `${place}: rejected`)] as const;
  if (isMessageList(prompt)) return { prompt: toMessages(prompt, `${place}: prompt`), chosen: answers[0], rejected: answers[1] };
  return extractPrompt(...answers);
}

/** Scores as their own datasets spell them. */
function scoresOf(row: Record<string, unknown>): { score_chosen?: number; score_rejected?: number } {
  const chosen = row["score_chosen"] ?? row["chosen-rating"] ?? row["chosen_score"];
  const rejected = row["score_rejected"] ?? row["rejected-rating"] ?? row["rejected_score"];
  return {
    ...(typeof chosen === "number" ? { score_chosen: chosen } : {}),
    ...(typeof rejected === "number" ? { score_rejected: rejected } : {}),
  };
}

/**
 * Preference rows of any published form in TRL's explicit-prompt form; further columns pass through.
 *
 * @example
 * const rows = pipe(readRows("ultrafeedback_binarized/train_prefs.parquet"), toPreferenceRows());
 */
export function toPreferenceRows(): <R extends object>(
  rows: AsyncIterable<R>,
) => Rows<Omit<R, "prompt" | "chosen" | "rejected"> & ExplicitPreference & { score_chosen?: number; score_rejected?: number }> {
  return <R extends object>(rows: AsyncIterable<R>) =>
    transform(async function* (source: AsyncIterable<R>) {
      let index = 0;
      for await (const row of source) {
        yield {
          ...row,
          ...scoresOf(row as Record<string, unknown>),
          ...toExplicitPreference(row, `toPreferenceRows: ${rowName(row, index)}`),
        };
        index++;
      }
    })(rows);
}

/** A pair as HuggingFaceH4/ultrafeedback_binarized spells it: a text prompt beside whole dialogues. */
export interface H4Row {
  prompt: string;
  chosen: Message[];
  rejected: Message[];
  messages: Message[];
}

/**
 * Preference rows in the form of `ultrafeedback_binarized`: `prompt` is the last user turn's text, `chosen` and `rejected` are whole
 * dialogues, `messages` repeats the chosen one.
 */
export function toH4Rows(): <R extends object>(rows: AsyncIterable<R>) => Rows<Omit<R, keyof H4Row> & H4Row> {
  return <R extends object>(rows: AsyncIterable<R>) =>
    transform(async function* (source: AsyncIterable<R>) {
      let index = 0;
      for await (const row of source) {
        const place = `toH4Rows: ${rowName(row, index)}`;
        const { prompt, chosen, rejected } = conversational(toExplicitPreference(row, place));
        const asked = prompt.findLast(({ role }) => role === "user");
        if (!asked) throw new TypeError(`${place}: the prompt holds no user turn`);
        const dialogue = [...prompt, ...chosen];
        yield { ...row, prompt: asked.content, chosen: dialogue, rejected: [...prompt, ...rejected], messages: dialogue };
        index++;
      }
    })(rows);
}

/** The pair with texts put into a user and an assistant turn. */
export function conversational(pair: ExplicitPreference): { prompt: Message[]; chosen: Message[]; rejected: Message[] } {
  if (typeof pair.prompt !== "string") return pair as { prompt: Message[]; chosen: Message[]; rejected: Message[] };
  const { prompt, chosen, rejected } = pair as { prompt: string; chosen: string; rejected: string };
  const turn = (role: string, content: string): Message[] => [{ role, content }];
  return { prompt: turn("user", prompt), chosen: turn("assistant", chosen), rejected: turn("assistant", rejected) };
}

/** One answer with a thumb up or down, as KTO and BCO take it. */
export interface UnpairedRow {
  prompt: string | Message[];
  completion: string | Message[];
  label: boolean;
}

/**
 * Pairs as single answers with a label. As TRL's `unpair_preference_dataset` on one batch, each window of 1,000 pairs gives its
 * chosen answers, then its rejected ones.
 */
export function unpairPreferences(): <R extends object>(
  rows: AsyncIterable<R>,
) => Rows<Omit<R, "prompt" | "chosen" | "rejected"> & UnpairedRow> {
  return <R extends object>(rows: AsyncIterable<R>) =>
    transform(async function* (source: AsyncIterable<R>) {
      type Out = Omit<R, "prompt" | "chosen" | "rejected"> & UnpairedRow;
      let index = 0;
      let good: Out[] = [];
      let bad: Out[] = [];
      for await (const row of source) {
        const { prompt, chosen, rejected } = toExplicitPreference(row, `unpairPreferences: ${rowName(row, index++)}`);
        const { prompt: _, chosen: __, rejected: ___, ...rest } = row as R & Record<string, unknown>;
        good.push({ ...rest, prompt, completion: chosen, label: true } as unknown as Out);
        bad.push({ ...rest, prompt, completion: rejected, label: false } as unknown as Out);
        if (good.length < 1000) continue;
        yield* good;
        yield* bad;
        good = [];
        bad = [];
      }
      yield* good;
      yield* bad;
    })(rows);
}
