import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { type Message, pipe, promptId, type Rows, rowsOf, type Tokenizer, toPreferenceRows, type UntypedRow } from "@zephyr/data";
import { createGenerator, type Policy } from "@zephyr/train-webgpu";
import { usageError } from "../errors/usage-error.ts";
import { encodePrompt } from "../models/encode-prompt.ts";

/** What the model answers as it learns. It is cut back on a resume as the log is. */
export const SAMPLES_FILE = "samples.jsonl";

/** One answer after a step; step 0 is the model as the run began. */
export interface SampleRow {
  step: number;
  prompt_id: string;
  prompt: string | Message[];
  completion: string;
  /** "length": it was cut at the most tokens. */
  finish_reason: "stop" | "length";
}

/** A prompt that is answered again and again. */
export interface SamplePrompt {
  prompt_id: string;
  prompt: string | Message[];
  ids: number[];
}

/**
 * The first `count` different prompts of rows of any trainer: `prompt`, the dialogue up to its last answer, or what both answers of a
 * pair begin with. Throws a usage error for a row without one, naming `flag` and the row.
 */
export async function samplePrompts(
  rows: Rows<UntypedRow>,
  { count, flag, tokenizer }: { count: number; flag: string; tokenizer: Tokenizer | undefined },
): Promise<SamplePrompt[]> {
  if (!tokenizer) throw usageError(`${flag}: samples need text, and --model has no tokenizer; leave --sample-steps out`);
  const found = new Map<string, SamplePrompt>();
  let index = 0;
  for await (const row of rows) {
    if (found.size === count) break;
    const place = `${flag}: row ${index++}`;
    const prompt = await promptOf(row);
    if (prompt === undefined || prompt.length === 0)
      throw usageError(`${place} has no prompt; give rows with prompt, messages, or chosen and rejected`);
    const own = typeof row["prompt_id"] === "string" ? row["prompt_id"] : promptId(prompt);
    const ids = encodePrompt({ prompt }, tokenizer, place);
    if (!found.has(own)) found.set(own, { prompt_id: own, prompt, ids });
  }
  if (found.size === 0) throw usageError(`${flag} has no rows; give at least one prompt`);
  return [...found.values()];
}

async function promptOf(row: UntypedRow): Promise<string | Message[] | undefined> {
  const { prompt, messages, chosen, rejected } = row as Record<string, unknown>;
  if (chosen !== undefined && rejected !== undefined) {
    for await (const pair of pipe(rowsOf([row]), toPreferenceRows())) return pair.prompt;
  }
  if (typeof prompt === "string" || Array.isArray(prompt)) return prompt as string | Message[];
  if (!Array.isArray(messages)) return undefined;
  const asked = (messages as Message[]).findLastIndex(({ role }) => role === "user");
  return (messages as Message[]).slice(0, asked + 1);
}

export interface SamplingSettings {
  /** Steps between samples; undefined: before the first step and after the last alone. */
  steps: number | undefined;
  maxTokens: number;
  temperature: number;
  seed: number;
}

/** Answers the same prompts after some of a run's steps. */
export interface Sampler extends Disposable {
  isDue(step: number, isLast: boolean): boolean;
  /** Appends a row per prompt. */
  sample(step: number): Promise<void>;
}

/**
 * Samples from the policy as it is between two steps, which leaves the run's bits as they are. Throws a usage error for a prompt
 * beyond the model's context.
 */
export function createSampler(
  policy: Policy,
  folder: string,
  prompts: readonly SamplePrompt[],
  { steps, maxTokens, temperature, seed }: SamplingSettings,
): Sampler {
  const limit = policy.config.maxPositionEmbeddings;
  const longest = Math.max(...prompts.map(({ ids }) => ids.length));
  if (longest >= limit)
    throw usageError(`--sample-prompts: a prompt has ${longest} tokens, and the model's context is ${limit}; leave it out`);
  const maxLength = Math.min(longest + maxTokens, limit);
  const generator = createGenerator(policy, { slots: Math.min(prompts.length, 16), maxLength });
  const answer = async (step: number, { ids, ...prompt }: SamplePrompt, n: number): Promise<SampleRow> => {
    const request = { promptIds: ids, maxTokens: Math.min(maxTokens, maxLength - ids.length), temperature, seed: seed + n };
    const { content = "", finishReason } = await generator.run(request);
    return { step, ...prompt, completion: content, finish_reason: finishReason };
  };
  return {
    isDue: (step, isLast) => step === 0 || isLast || (steps !== undefined && step % steps === 0),
    async sample(step) {
      const rows = await Promise.all(prompts.map((prompt, n) => answer(step, prompt, n)));
      // On the disk before the checkpoint of the step, as the log is.
      await appendFile(join(folder, SAMPLES_FILE), rows.map((row) => `${JSON.stringify(row)}\n`).join(""), { flush: true });
    },
    [Symbol.dispose]: () => generator[Symbol.dispose](),
  };
}
