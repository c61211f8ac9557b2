import {
  type CompletionEntry,
  type CompletionsRow,
  type Generate,
  type Message,
  type PromptRow,
  randomFor,
  type Transform,
} from "@zephyr/data";
import type { Asker } from "./ask.ts";
import type { AnswerEntry } from "./journal/record.ts";
import type { Model } from "./model.ts";
import { asModels } from "./named-model.ts";
import { promptMessages } from "./prompt-id.ts";
import { settleAll } from "./row-failure.ts";
import { drawPrinciple, PRINCIPLE_PRESETS, type Principles } from "./sampling/principles.ts";
import { drawKey, sampleWithoutReplacement } from "./sampling/sample.ts";
import { type StageOptions, stage } from "./stage.ts";

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
export function complete<R extends { prompt?: unknown }>(options: CompleteOptions): Transform<R, R & CompletionsRow> {
  const { completionsPerPrompt = 4, seed = 0 } = options;
  const models = asModels("complete", options.models);
  const principles =
    typeof options.principles === "string" ? PRINCIPLE_PRESETS[options.principles] : (options.principles ?? null);
  if (!Number.isInteger(completionsPerPrompt) || completionsPerPrompt < 1 || completionsPerPrompt > models.length) {
    throw new RangeError(
      `complete: ${completionsPerPrompt} completions per prompt from ${models.length} models; each answer comes from another model, so name at least as many`,
    );
  }
  return (rows) =>
    stage("complete", rows as AsyncIterable<R & PromptRow>, models, options, async (row, place, asker) => {
      const questions = planCompletions(row, place, models, completionsPerPrompt, principles, seed);
      const { values, failures } = await settleAll(questions.map((question) => answer(question, asker)));
      const completions = values.filter((value) => value !== undefined);
      if (failures.length > 0) return { failures, kept: { completions } };
      return { row: { ...row, completions } as R & CompletionsRow };
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
  const random = randomFor(seed, drawKey("complete", row.prompt_id));
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
