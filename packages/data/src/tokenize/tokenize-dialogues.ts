import { rowName } from "../formats/conversation.ts";
import { type TrainingText, toTrainingText } from "../formats/dialogue-formats.ts";
import { transform } from "../pipe.ts";
import type { Message, Rows, TokenizedRow } from "../rows.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { checkIds, checkMask, checkMaxLength, startsWith, withoutColumns } from "./check-ids.ts";
import { startTally, type TokenizationReport, warnOfLosses } from "./report.ts";
import { templateOptions } from "./tokenize-preferences.ts";

export interface TokenizeDialoguesOptions {
  /** Tokens per row; the end is cut. Leave it out when the rows are packed, since packing cuts by itself. */
  maxLength?: number;
  /** Learn the completion of prompt + completion rows only (the default), or the prompt too. */
  completionOnlyLoss?: boolean;
  /** Learn only what the assistant says, by the template's `{% generation %}` marks. */
  assistantOnlyLoss?: boolean;
  /** The number that messages give the first row; 0 unless the rows are a shard of others. */
  firstRow?: number;
  /** Told at the end of each iteration; by default losses are printed on stderr in one line. */
  onReport?: (report: TokenizationReport) => void;
}

const CONSUMED = [
  "text",
  "messages",
  "conversations",
  "prompt",
  "completion",
  "tools",
  "chat_template_kwargs",
  "labels",
  "assistant_masks",
] as const;
type Consumed = (typeof CONSUMED)[number];

interface Encoded extends TokenizedRow {
  /** The prompt's ids are not how the whole begins. */
  mismatch?: boolean;
}

/**
 * Rows of any TRL SFT format as token ids and a mask of what is learnt, equal to TRL's: texts get BOS and EOS, conversations go
 * through the chat template. Rows that hold `input_ids` already (with `completion_mask` or `labels`) are only checked and cut.
 *
 * A row that truncation left nothing to learn is dropped and reported.
 *
 * @throws Error naming the row when it would train on nothing from the start (TRL trains on it in silence).
 * @example
 * const rows = pipe(readRows("ultrachat.jsonl"), tokenizeDialogues(tokenizer, { maxLength: 2048, assistantOnlyLoss: true }));
 */
export function tokenizeDialogues(
  tokenizer: Tokenizer | undefined,
  {
    maxLength,
    completionOnlyLoss = true,
    assistantOnlyLoss = false,
    firstRow = 0,
    onReport = warnOfLosses,
  }: TokenizeDialoguesOptions = {},
): <R extends object>(rows: AsyncIterable<R>) => Rows<Omit<R, Consumed> & TokenizedRow> {
  checkMaxLength(maxLength, "tokenizeDialogues");
  return <R extends object>(rows: AsyncIterable<R>) =>
    transform(async function* (source: AsyncIterable<R>) {
      const tally = startTally();
      let index = firstRow;
      for await (const row of source) {
        const name = rowName(row, index++);
        const place = `tokenizeDialogues: ${name}`;
        const { mismatch, ...whole } =
          "input_ids" in row
            ? givenIds(row, place)
            : encodeRow(row, { tokenizer: required(tokenizer, place), completionOnlyLoss, assistantOnlyLoss, place });
        const length = whole.input_ids.length;
        if (mismatch) tally.note(name, "prompt_mismatch", length);
        if (!learns(whole.completion_mask)) {
          throw new Error(
            `${place}: would train on nothing (${length} tokens, none of them learnt); check its roles, its answers and the chat template`,
          );
        }
        const cut = {
          input_ids: whole.input_ids.slice(0, maxLength),
          completion_mask: whole.completion_mask.slice(0, maxLength),
        };
        if (!learns(cut.completion_mask)) {
          tally.dropped(name, "masked_by_truncation", length);
          continue;
        }
        if (cut.input_ids.length < length) tally.note(name, "truncated", length);
        tally.kept(cut.input_ids.length);
        yield { ...withoutColumns(row, CONSUMED), ...cut } as unknown as Omit<R, Consumed> & TokenizedRow;
      }
      onReport(tally.report);
    })(rows);
}

/** Whether a token is learnt; the first one of a sequence is given, never predicted. */
function learns(mask: number[]): boolean {
  return mask.indexOf(1, 1) > 0;
}

function required(tokenizer: Tokenizer | undefined, place: string): Tokenizer {
  if (tokenizer) return tokenizer;
  throw new Error(`${place}: holds text, but there is no tokenizer; put tokenizer.json into the model folder, or give input_ids`);
}

function givenIds(row: object, place: string): Encoded {
  const { input_ids, completion_mask, labels } = row as Record<string, unknown>;
  const ids = checkIds(input_ids, `${place}: input_ids`);
  if (completion_mask !== undefined)
    return { input_ids: ids, completion_mask: checkMask(completion_mask, ids.length, `${place}: completion_mask`) };
  if (labels === undefined) return { input_ids: ids, completion_mask: ids.map(() => 1) };
  const learnt = Array.isArray(labels) ? labels.map((label) => (label === -100 ? 0 : 1)) : labels;
  return { input_ids: ids, completion_mask: checkMask(learnt, ids.length, `${place}: labels`) };
}

interface EncodeOptions {
  tokenizer: Tokenizer;
  completionOnlyLoss: boolean;
  assistantOnlyLoss: boolean;
  place: string;
}

function encodeRow(row: object, options: EncodeOptions): Encoded {
  const content = toTrainingText(row, options.place);
  if ("text" in content) return everything(options.tokenizer.encode(ended(content.text, options.tokenizer)));
  if ("messages" in content) return encodeMessages(content.messages, row, options);
  return typeof content.prompt === "string" ? encodeTexts(content, options) : encodeAnswer(content, row, options);
}

function ended(text: string, { eosToken }: Tokenizer): string {
  return text.endsWith(eosToken) ? text : text + eosToken;
}

function everything(ids: number[]): Encoded {
  return { input_ids: ids, completion_mask: ids.map(() => 1) };
}

function encodeMessages(messages: Message[], row: object, { tokenizer, assistantOnlyLoss }: EncodeOptions): Encoded {
  const options = templateOptions(row);
  if (!assistantOnlyLoss)
    return everything(tokenizer.encode(tokenizer.applyChatTemplate(messages, options), { addSpecialTokens: false }));
  const { ids, assistantMask } = tokenizer.encodeChat(messages, options);
  return { input_ids: ids, completion_mask: assistantMask };
}

function afterPrompt(prompt: number[], whole: number[], completionOnlyLoss: boolean): Encoded {
  const mask = whole.map((_, i) => (completionOnlyLoss && i < prompt.length ? 0 : 1));
  return { input_ids: whole, completion_mask: mask, mismatch: !startsWith(whole, prompt) };
}

function encodeTexts(content: TrainingText, { tokenizer, completionOnlyLoss }: EncodeOptions): Encoded {
  const { prompt, completion } = content as { prompt: string; completion: string };
  return afterPrompt(tokenizer.encode(prompt), tokenizer.encode(prompt + ended(completion, tokenizer)), completionOnlyLoss);
}

function encodeAnswer(content: TrainingText, row: object, options: EncodeOptions): Encoded {
  const { prompt, completion } = content as { prompt: Message[]; completion: Message[] };
  const { tokenizer, completionOnlyLoss } = options;
  const head = tokenizer.applyChatTemplate(prompt, { ...templateOptions(row), addGenerationPrompt: true });
  const whole = encodeMessages([...prompt, ...completion], row, options);
  const { completion_mask, mismatch } = afterPrompt(
    tokenizer.encode(head, { addSpecialTokens: false }),
    whole.input_ids,
    completionOnlyLoss,
  );
  return {
    input_ids: whole.input_ids,
    completion_mask: completion_mask.map((bit, i) => bit & whole.completion_mask[i]!),
    mismatch: mismatch === true,
  };
}
