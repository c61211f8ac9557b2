import { join } from "node:path";
import { complete, fromGenerate, type Model, rate, ULTRAFEEDBACK } from "@zephyr/aif";
import { binarize } from "@zephyr/binarize";
import {
  type CompletionsRow,
  type Generate,
  type PreferenceRow,
  type PromptRow,
  pipe,
  type RatedRow,
  randomFor,
  readRows,
  split,
  tokenizePreferences,
  writeRows,
} from "@zephyr/data";
import { createGenerator, type Device, loadModel } from "@zephyr/train-webgpu";
import { tinyTokenizer } from "./make-data.ts";
import { startProgress } from "./progress.ts";
import { HELD_OUT_PAIRS, MAX_ANSWER_TOKENS, POOL, SEED } from "./settings.ts";
import type { Stages } from "./stages.ts";

/** The rubric of the recipe: the four aspects, without a critique per answer. */
export const RUBRIC = { ...ULTRAFEEDBACK, critique: null };

/** The same conversation and name always draw the same random numbers, whatever else runs. */
export function seeded(name: string, generate: Generate, temperature: number): Generate {
  return (messages, options) => {
    const seed = randomFor(SEED, `${name} ${JSON.stringify(messages)}`).integer(2 ** 31);
    return generate(messages, { ...options, temperature, seed, maxTokens: MAX_ANSWER_TOKENS });
  };
}

/** Answers of the pool, their ratings, and the preference pairs that come of them. */
export async function collectFeedback(device: Device, output: string, stages: Stages, judge: Model): Promise<void> {
  const file = (name: string): string => join(output, "data", name);
  await stages.run("answers of the pool", () => completions(device, output, file));
  await stages.run("ratings", async () => {
    const progress = startProgress("ratings");
    const rows = await writeRows(
      file("rated.jsonl"),
      pipe(
        readRows<CompletionsRow>(file("completions.jsonl")),
        rate({
          judge,
          rubric: RUBRIC,
          seed: SEED,
          journal: join(output, "journals/ratings"),
          onProgress: ({ rowsDone }) => progress.update(rowsDone, 640),
        }),
      ),
    );
    progress.end(`${rows.count} prompts rated`);
    return `${rows.count * 4} answers rated on 4 aspects`;
  });
  await stages.run("binarize", async () => {
    const tokenizer = await tinyTokenizer();
    const pairs = pipe(readRows<RatedRow>(file("rated.jsonl")), binarize({ preset: "zephyr-paper", seed: SEED }));
    const parts = split({ parts: { train: 1 - HELD_OUT_PAIRS, test: HELD_OUT_PAIRS }, seed: SEED })(
      pairs as AsyncIterable<PreferenceRow>,
    );
    const counts: string[] = [];
    for (const part of ["train", "test"] as const) {
      const preferences = await writeRows(file(`preferences-${part}.jsonl`), parts[part]);
      const ids = await writeRows(
        file(`preference-ids-${part}.jsonl`),
        pipe(preferences, tokenizePreferences(tokenizer, { maxLength: 256 })),
      );
      counts.push(`${ids.count} ${part} pairs`);
    }
    return counts.join(", ");
  });
}

async function completions(device: Device, output: string, file: (name: string) => string): Promise<string> {
  const policies = new Map<string, Awaited<ReturnType<typeof loadModel>>>();
  for (const { model } of POOL) if (!policies.has(model)) policies.set(model, await loadModel(device, join(output, model)));
  const generators = new Map(
    [...policies].map(([name, policy]) => [name, createGenerator(policy, { slots: 64, maxLength: 192 })]),
  );
  try {
    const models = POOL.map(({ name, model, temperature }) =>
      fromGenerate(name, seeded(name, generators.get(model)!.generate, temperature), {
        maxConcurrency: 64,
        maxTokens: MAX_ANSWER_TOKENS,
      }),
    );
    const progress = startProgress("answers of the pool");
    const rows = await writeRows(
      file("completions.jsonl"),
      pipe(
        readRows<PromptRow>(file("feedback-prompts.jsonl")),
        complete({
          models,
          completionsPerPrompt: 4,
          seed: SEED,
          journal: join(output, "journals/completions"),
          onProgress: ({ rowsDone }) => progress.update(rowsDone, 640),
        }),
      ),
    );
    progress.end(`${rows.count} prompts, ${POOL.length} answers each`);
    return `${rows.count} prompts, ${POOL.length} answers each`;
  } finally {
    for (const generator of generators.values()) generator[Symbol.dispose]();
    for (const policy of policies.values()) policy[Symbol.dispose]();
  }
}
