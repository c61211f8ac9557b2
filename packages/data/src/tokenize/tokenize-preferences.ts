import { rowName } from "../formats/conversation.ts";
import { type ExplicitPreference, toExplicitPreference } from "../formats/preference-formats.ts";
import { transform } from "../pipe.ts";
import type { Message, Rows, TokenizedPreferenceRow } from "../rows.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { checkIds, checkMaxLength, startsWith, withoutColumns } from "./check-ids.ts";
import { startTally, type Tally, type TokenizationReport, warnOfLosses } from "./report.ts";

export interface TokenizePreferencesOptions {
  /** Tokens of prompt and completion together; the end is cut, and a pair whose prompt alone is that long is dropped, as in TRL. */
  maxLength?: number;
  /** The number that messages give the first row; 0 unless the rows are a shard of others. */
  firstRow?: number;
  /** Told at the end of each iteration; by default losses are printed on stderr in one line. */
  onReport?: (report: TokenizationReport) => void;
}

type PairIds = Pick<TokenizedPreferenceRow, "prompt_ids" | "chosen_ids" | "rejected_ids">;

const CONSUMED = ["prompt", "chosen", "rejected", "messages", "tools", "chat_template_kwargs"] as const;
type Consumed = (typeof CONSUMED)[number];

/**
 * Preference rows of any TRL format as token ids, equal to TRL's: conversations through the chat template, texts with BOS before the
 * prompt and EOS after the answer. Rows that hold `prompt_ids`, `chosen_ids` and `rejected_ids` already are only checked and cut.
 *
 * @throws Error naming the row when an answer has no token to learn.
 * @example
 * const pairs = pipe(preferences, tokenizePreferences(tokenizer, { maxLength: 1024, onReport: console.error }));
 */
export function tokenizePreferences(
  tokenizer: Tokenizer | undefined,
  { maxLength, firstRow = 0, onReport = warnOfLosses }: TokenizePreferencesOptions = {},
): <R extends object>(rows: AsyncIterable<R>) => Rows<Omit<R, Consumed> & TokenizedPreferenceRow> {
  checkMaxLength(maxLength, "tokenizePreferences");
  return <R extends object>(rows: AsyncIterable<R>) =>
    transform(async function* (source: AsyncIterable<R>) {
      const tally = startTally();
      let index = firstRow;
      for await (const row of source) {
        const name = rowName(row, index++);
        const place = `tokenizePreferences: ${name}`;
        const ids = "prompt_ids" in row ? givenIds(row, place) : encodePair(row, required(tokenizer, place), place, name, tally);
        const cut = truncatePair(ids, maxLength, name, place, tally);
        if (!cut) continue;
        yield { ...withoutColumns(row, CONSUMED), ...cut } as unknown as Omit<R, Consumed> & TokenizedPreferenceRow;
      }
      onReport(tally.report);
    })(rows);
}

function required(tokenizer: Tokenizer | undefined, place: string): Tokenizer {
  if (tokenizer) return tokenizer;
  throw new Error(
    `${place}: holds text, but there is no tokenizer; put tokenizer.json into the model folder, or give prompt_ids, chosen_ids, rejected_ids`,
  );
}

function givenIds(row: object, place: string): PairIds {
  const { prompt_ids, chosen_ids, rejected_ids } = row as Record<string, unknown>;
  return {
    prompt_ids: checkIds(prompt_ids, `${place}: prompt_ids`),
    chosen_ids: checkIds(chosen_ids, `${place}: chosen_ids`),
    rejected_ids: checkIds(rejected_ids, `${place}: rejected_ids`),
  };
}

function encodePair(row: object, tokenizer: Tokenizer, place: string, name: string, tally: Tally): PairIds {
  const pair = toExplicitPreference(row, place);
  const { prompt, chosen, rejected } =
    typeof pair.prompt === "string" ? encodeTexts(pair, tokenizer) : encodeMessages(pair, row, tokenizer);
  if (!startsWith(chosen, prompt) || !startsWith(rejected, prompt)) tally.note(name, "prompt_mismatch", prompt.length);
  return { prompt_ids: prompt, chosen_ids: chosen.slice(prompt.length), rejected_ids: rejected.slice(prompt.length) };
}

function encodeTexts(pair: ExplicitPreference, tokenizer: Tokenizer): Record<"prompt" | "chosen" | "rejected", number[]> {
  const { prompt, chosen, rejected } = pair as { prompt: string; chosen: string; rejected: string };
  const ended = (text: string) => (text.endsWith(tokenizer.eosToken) ? text : text + tokenizer.eosToken);
  return {
    prompt: tokenizer.encode(prompt),
    chosen: tokenizer.encode(prompt + ended(chosen)),
    rejected: tokenizer.encode(prompt + ended(rejected)),
  };
}

function encodeMessages(
  pair: ExplicitPreference,
  row: object,
  tokenizer: Tokenizer,
): Record<"prompt" | "chosen" | "rejected", number[]> {
  const { prompt, chosen, rejected } = pair as { prompt: Message[]; chosen: Message[]; rejected: Message[] };
  const options = templateOptions(row);
  const encode = (messages: Message[], addGenerationPrompt: boolean) =>
    tokenizer.encode(tokenizer.applyChatTemplate(messages, { ...options, addGenerationPrompt }), { addSpecialTokens: false });
  return {
    prompt: encode(prompt, true),
    chosen: encode([...prompt, ...chosen], false),
    rejected: encode([...prompt, ...rejected], false),
  };
}

/** A row's own `tools` (a list, or its JSON) and `chat_template_kwargs`. */
export function templateOptions(row: object): { tools?: unknown; variables?: Record<string, unknown> } {
  const { tools, chat_template_kwargs } = row as Record<string, unknown>;
  return {
    ...(tools ? { tools: typeof tools === "string" ? JSON.parse(tools) : tools } : {}),
    ...(chat_template_kwargs ? { variables: chat_template_kwargs as Record<string, unknown> } : {}),
  };
}

/** Cuts both answers to what the prompt leaves of `maxLength`; undefined when it leaves nothing. */
function truncatePair(
  ids: PairIds,
  maxLength: number | undefined,
  name: string,
  place: string,
  tally: Tally,
): PairIds | undefined {
  const { prompt_ids, chosen_ids, rejected_ids } = ids;
  const longest = prompt_ids.length + Math.max(chosen_ids.length, rejected_ids.length);
  const room = maxLength === undefined ? Number.POSITIVE_INFINITY : maxLength - prompt_ids.length;
  if (room <= 0) {
    tally.dropped(name, "prompt_too_long", prompt_ids.length);
    return undefined;
  }
  const cut = { prompt_ids, chosen_ids: chosen_ids.slice(0, room), rejected_ids: rejected_ids.slice(0, room) };
  for (const key of ["chosen_ids", "rejected_ids"] as const) {
    // The first token of a sequence is given, never predicted.
    const predicted = prompt_ids.length > 0 ? cut[key].length : cut[key].length - 1;
    if (predicted < 1) throw new Error(`${place}: ${key} has no token to learn; remove the row or repair its answer`);
  }
  if (prompt_ids.length + Math.max(cut.chosen_ids.length, cut.rejected_ids.length) < longest)
    tally.note(name, "truncated", longest);
  tally.kept(2 * prompt_ids.length + cut.chosen_ids.length + cut.rejected_ids.length);
  return cut;
}
