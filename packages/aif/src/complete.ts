import type { CompletionEntry, CompletionsRow, Generate, Message, PromptRow, Transform } from "@zephyr/data";
import { type Asker, createAsker } from "./ask.ts";
import { randomFor, sampleWithoutReplacement } from "./client/random.ts";
import type { Journal } from "./journal/journal.ts";
import type { AnswerEntry } from "./journal/record.ts";
import type { Model } from "./model.ts";
import { asModels } from "./named-model.ts";
import { orderedMap } from "./ordered-map.ts";
import { onceById, promptIdOf, promptMessages } from "./prompt-id.ts";
import { type RowFailure, reportFailure, settleAll } from "./row-failure.ts";
import { drawPrinciple, PRINCIPLE_PRESETS, type Principles } from "./sampling/principles.ts";

/** What every stage that asks models takes. */
export interface StageOptions {
  seed: number;
  /** A folder (locked while rows are read), or a journal that several stages share. */
  journal?: string | Journal | undefined;
  budgetUsd?: number | undefined;
  /** Told of rows that failed for good; without it the first of them ends the stage with an Error. */
  onFailure?: ((failure: RowFailure) => void) | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Ends the run gently: what is on the wire is waited for and kept. */
  drain?: AbortSignal | undefined;
  /** Ends the run at once. */
  signal?: AbortSignal | undefined;
}

/** Where a stage stands. */
export interface Progress {
  rowsDone: number;
  rowsFailed: number;
  duplicates: number;
  asker: Asker;
}

export interface CompleteOptions extends StageOptions {
  models: readonly (Model | Generate)[];
  /** Different models that answer each prompt. Default 4. */
  completionsPerPrompt?: number | undefined;
  /** System prompts by source: a preset, a table, or none. */
  principles?: "readme" | "code" | Principles | null | undefined;
}

/**
 * Has each prompt answered by `completionsPerPrompt` models drawn by seed without replacement. Order, ids and unknown
 * columns are kept; the output does not depend on concurrency or interruptions.
 *
 * Throws a RangeError for too few models or unpriced ones under a budget, a `RequestError` when the run cannot go on.
 *
 * @example pipe(readRows("prompts.jsonl"), complete({ models, completionsPerPrompt: 4, seed: 0 }))
 */
export function complete<R extends PromptRow>(options: CompleteOptions): Transform<R, R & CompletionsRow> {
  const { completionsPerPrompt = 4, seed, onFailure } = options;
  const models = asModels("complete", options.models);
  const principles =
    typeof options.principles === "string" ? PRINCIPLE_PRESETS[options.principles] : (options.principles ?? null);
  if (!Number.isInteger(completionsPerPrompt) || completionsPerPrompt < 1 || completionsPerPrompt > models.length) {
    throw new RangeError(
      `complete: ${completionsPerPrompt} completions per prompt from ${models.length} models; each answer comes from another model, so name at least as many`,
    );
  }
  return (rows) =>
    stage("complete", rows, models, options, async (row, place, asker) => {
      const questions = planCompletions(row, place, models, completionsPerPrompt, principles, seed);
      const { values, failures } = await settleAll(questions.map((question) => answer(question, asker)));
      const completions = values.filter((value) => value !== undefined);
      if (failures.length === 0) return { ...row, completions } as R & CompletionsRow;
      reportFailure("complete", { row: { ...row, completions } as RowFailure["row"], ...failures[0]!, failures }, onFailure);
      return undefined;
    });
}

/** One answer that is wanted. */
export interface PlannedCompletion {
  model: Model;
  messages: Message[];
  principle?: string;
  systemPrompt?: string;
}

/** Which models answer a row, and under which system prompts; a function of the seed and the row's id alone. */
export function planCompletions(
  row: PromptRow & { prompt_id: string },
  place: string,
  models: readonly Model[],
  count: number,
  principles: Principles | null,
  seed: number,
): PlannedCompletion[] {
  const random = randomFor(seed, "complete", row.prompt_id);
  const prompt = promptMessages(row, place);
  return sampleWithoutReplacement(models, count, random).map((model) => {
    if (principles === null) return { model, messages: prompt };
    const { principle, systemPrompt } = drawPrinciple(principles, row.source, random);
    return { model, messages: withSystem(prompt, systemPrompt), principle, systemPrompt };
  });
}

function withSystem(prompt: Message[], systemPrompt: string): Message[] {
  const [first, ...rest] = prompt;
  if (first?.role !== "system") return [{ role: "system", content: systemPrompt }, ...prompt];
  return [{ role: "system", content: `${first.content}\n\n${systemPrompt}` }, ...rest];
}

async function answer({ model, messages, principle, systemPrompt }: PlannedCompletion, asker: Asker): Promise<CompletionEntry> {
  const entry = await asker.ask({ model, messages, sample: 0 });
  return {
    model: model.name,
    content: entry.content,
    ...(principle === undefined ? {} : { principle }),
    ...(systemPrompt === undefined ? {} : { system_prompt: systemPrompt }),
    ...replyColumns(entry),
  };
}

function replyColumns({ finish_reason, usage, served_model, system_fingerprint }: AnswerEntry): Partial<CompletionEntry> {
  return {
    finish_reason,
    ...(finish_reason === "length" ? { truncated: true } : {}),
    ...(usage === undefined ? {} : { usage }),
    ...(served_model === undefined ? {} : { served_model }),
    ...(system_fingerprint === undefined ? {} : { system_fingerprint }),
  };
}

type Work<R, S> = (row: R & { prompt_id: string }, place: string, asker: Asker) => Promise<S | undefined>;

/** Re-iterable rows: every iteration opens the journal afresh, so the second one finds all answers there. */
export function stage<R extends PromptRow, S>(
  where: string,
  rows: AsyncIterable<R>,
  models: readonly Model[],
  options: StageOptions,
  work: Work<R, S>,
): AsyncIterable<S> {
  // Stages without a folder keep one private journal, so that a second iteration asks nothing again.
  let shared: Promise<Journal> | undefined;
  return {
    async *[Symbol.asyncIterator]() {
      shared ??= typeof options.journal === "string" ? undefined : privateJournal(options.journal);
      yield* runStage(where, rows, models, { ...options, journal: shared === undefined ? options.journal : await shared }, work);
    },
  };
}

async function privateJournal(given: Exclude<StageOptions["journal"], string>): Promise<Journal> {
  if (given !== undefined) return given;
  const { temporaryJournal } = await import("./journal/journal.ts");
  return temporaryJournal();
}

async function* runStage<R extends PromptRow, S>(
  where: string,
  rows: AsyncIterable<R>,
  models: readonly Model[],
  options: StageOptions,
  work: Work<R, S>,
): AsyncGenerator<S> {
  const leave = new AbortController();
  const drain = options.drain === undefined ? leave.signal : AbortSignal.any([leave.signal, options.drain]);
  const asker = await createAsker({ ...options, models, drain });
  const progress: Progress = { rowsDone: 0, rowsFailed: 0, duplicates: 0, asker };
  const once = onceById(where);
  const window = Math.max(64, 4 * models.reduce((sum, { limits }) => sum + limits.maxConcurrency, 0));
  try {
    const begin = async (row: R, index: number): Promise<S | "failed" | "repeated"> => {
      const prompt_id = promptIdOf(row);
      if (!once(prompt_id, row, index)) return "repeated";
      return (
        (await work({ ...row, prompt_id }, `${where}: row ${index + 1} (prompt_id ${JSON.stringify(prompt_id)})`, asker)) ??
        "failed"
      );
    };
    for await (const result of orderedMap(rows, window, begin, () => leave.abort())) {
      if (result === "repeated") progress.duplicates++;
      else if (result === "failed") progress.rowsFailed++;
      else {
        progress.rowsDone++;
        yield result;
      }
      options.onProgress?.(progress);
    }
  } finally {
    await asker.close();
  }
}
