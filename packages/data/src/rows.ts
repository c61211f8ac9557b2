/**
 * The rows that stages exchange: plain JSON objects, spelt as TRL and the Hugging Face datasets spell them.
 * Unknown columns pass through every transform.
 */

export interface Message {
  role: string;
  content: string;
}

/** One question to be answered: text, or the messages so far (the last one from the user). */
export interface PromptRow {
  prompt_id?: string;
  prompt: string | Message[];
  source?: string;
}

/** A dialogue for supervised fine-tuning. */
export interface DialogueRow {
  messages: Message[];
}

/** Tokens that a call consumed, as the OpenAI API counts them. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
}

/** One answer to a prompt, by the model named. */
export interface CompletionEntry {
  model: string;
  content: string;
  principle?: string;
  system_prompt?: string;
  finish_reason?: string;
  truncated?: boolean;
  usage?: Usage;
}

/** A prompt with the answers of several models. */
export interface CompletionsRow extends PromptRow {
  prompt_id: string;
  completions: CompletionEntry[];
}

/** One aspect's verdict on one completion; `rating` is 1 to 5, or "N/A" where the aspect does not apply. */
export interface Annotation {
  rating: number | "N/A";
  rationale: string;
  type?: string[];
}

/** A completion with the teacher's verdicts: `overall_score` is 1 to 10. */
export interface RatedCompletion extends CompletionEntry {
  overall_score?: number;
  annotations?: Record<string, Annotation>;
  critique?: string;
}

/** A prompt with rated answers. */
export interface RatedRow extends PromptRow {
  prompt_id: string;
  completions: RatedCompletion[];
}

/** A preference pair: the prompt's messages, and the assistant turn(s) of either answer. */
export interface PreferenceRow {
  prompt_id: string;
  prompt: Message[];
  chosen: Message[];
  rejected: Message[];
  score_chosen: number;
  score_rejected: number;
}

/** A dialogue or text as token ids; `completion_mask[t]` is 1 where token t is learnt. */
export interface TokenizedRow {
  input_ids: number[];
  completion_mask: number[];
}

/** A preference pair as token ids, with the reference model's summed log-probabilities (nats) once known. */
export interface TokenizedPreferenceRow {
  prompt_ids: number[];
  chosen_ids: number[];
  rejected_ids: number[];
  ref_chosen_logps?: number;
  ref_rejected_logps?: number;
}

/** Re-iterable rows: every `for await` starts afresh. */
export type Rows<R> = AsyncIterable<R>;

/** A row's JSON text that nobody has looked at yet. */
export interface UnparsedLine {
  text: string;
  /** Throws what reading the row throws where the text is wrong. */
  parse(): UntypedRow;
}

/** Rows that can be had as text. A stage that only moves texts from one place to another need not decode all of them and write them again. */
export interface UnparsedRows<R> extends Rows<R> {
  /** The rows' lines, some at a time. */
  unparsedLines(): AsyncIterable<readonly UnparsedLine[]>;
}

/** Rows that a stage can give as JSON texts as well, some at a time: the texts that the rows would be written as. */
export interface WrittenAsLines<R> extends Rows<R> {
  jsonLines(): AsyncIterable<readonly string[]>;
}

/** A stage: rows in, rows out. Calling it runs nothing; iterating its result does, each time from the start. */
export type Transform<A, B> = (rows: AsyncIterable<A>) => AsyncIterable<B>;

/**
 * A row whose columns nobody vouched for, as `JSON.parse` returns: it goes into any stage, and the stage checks it as it runs.
 */
// biome-ignore lint/suspicious/noExplicitAny: with unknown columns the row would fit no stage, and every reader would need a type argument.
export type UntypedRow = any;
