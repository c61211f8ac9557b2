// runnable
// The whole recipe in one script: answers, ratings, pairs, dDPO. The policy is a model drawn fresh, so that it runs in seconds.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { complete, fromGenerate, openaiCompatible, rate } from "@zephyr/aif";
import { binarize } from "@zephyr/binarize";
import { collatePreferences, type Generate, pipe, rowsOf, tokenizePreferences, writeRows } from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import {
  createGenerator,
  createModel,
  parseModelConfig,
  referenceLogps,
  requestDevice,
  trainPreference,
} from "@zephyr/train-webgpu";
import { tinyTokenizer } from "../recipes/tiny/make-data.ts";
import { RATER_MODEL, startRater } from "../recipes/tiny/rater/start-rater.ts";
import { MODEL } from "../recipes/tiny/settings.ts";
import { makeWorld } from "../recipes/tiny/world/make-world.ts";

const output = await mkdtemp(join(tmpdir(), "zephyr-align-"));
const rater = await startRater(0);
try {
  const judge = openaiCompatible({ baseUrl: rater.baseUrl, model: RATER_MODEL });

  using device = await requestDevice();
  const tokenizer = await tinyTokenizer();
  const config = parseModelConfig({ ...MODEL, vocab_size: tokenizer.vocabSize });
  using policy = await createModel(device, config, { seed: 0, tokenizer }); // or: loadModel(device, "path/to/zephyr-7b-sft")

  using generator = createGenerator(policy, { slots: 24, maxLength: 128 });
  const at = (temperature: number): Generate => {
    return (messages, options) => generator.generate(messages, { ...options, temperature, maxTokens: 12, seed: 0 });
  };
  const models = [0.5, 1].map((temperature) => fromGenerate(`policy-${temperature}`, at(temperature)));

  const preferences = await writeRows(
    join(output, "preferences.parquet"),
    pipe(
      rowsOf(makeWorld(0).feedbackPrompts.slice(0, 12)),
      complete({ models, completionsPerPrompt: 2, seed: 0 }),
      rate({ judge, rubric: "ultrafeedback", seed: 0 }),
      binarize({ preset: "zephyr-paper", seed: 0 }),
    ),
  );
  const tokenize = tokenizePreferences(tokenizer, { maxLength: 128 });
  const pairs = await writeRows(join(output, "pairs.jsonl"), pipe(preferences, tokenize, referenceLogps(policy)));
  const batches = pipe(pairs, collatePreferences({ pairsPerBatch: 4 }));
  for await (const { step, metrics } of trainPreference({ policy, batches, loss: dpo({ beta: 0.1 }), learningRate: 5e-4 })) {
    console.log(step, metrics["loss"]?.toFixed(4), metrics["rewards/margins"]?.toFixed(4));
    if (step === 1 && metrics["rewards/margins"] !== 0) throw new Error("policy and reference start as one model");
  }
  await policy.save(join(output, "policy"));
} finally {
  await rater.close();
  await rm(output, { recursive: true });
}
