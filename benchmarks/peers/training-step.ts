import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TokenBatch } from "@zephyr/data";
import { createModel, type Device, parseModelConfig, trainSft } from "@zephyr/train-webgpu";
import { randomIds, rounded } from "./clock.mjs";
import { type Measurement, time } from "./measure.ts";
import type { ModelShape } from "./settings.ts";

/** A model in training, one optimizer step at a time. */
export interface TrainingRun extends AsyncDisposable {
  /** Takes a step and gives its loss in nats per token, read back. */
  step(): Promise<number>;
}

/** Trains a fresh model by `trainSft`, the loop that users run, on `sequences` of `tokens` random tokens each: all but the first are learnt. */
export async function openRun(device: Device, model: ModelShape, sequences: number, tokens: number): Promise<TrainingRun> {
  const policy = await createModel(device, parseModelConfig(configOf(model, tokens)), { seed: 0 });
  const batch = randomBatch(model.vocabulary, sequences, tokens);
  const training = trainSft({
    policy,
    batches: {
      [Symbol.asyncIterator]: async function* () {
        yield batch;
      },
    },
    learningRate: 1e-3,
    schedule: "constant",
    weightDecay: 0.01,
    maxSteps: Number.MAX_SAFE_INTEGER,
  });
  const steps = training[Symbol.asyncIterator]();
  return {
    async step() {
      const { value } = await steps.next();
      return value.metrics.loss;
    },
    async [Symbol.asyncDispose]() {
      await steps.return?.();
      policy[Symbol.dispose]();
    },
  };
}

/** One optimizer step: the loss is the mean over B x T predicted tokens, so a sequence has T + 1. */
export async function timeStep(device: Device, model: ModelShape, rounds: number): Promise<Measurement> {
  const { layers, width, heads, feedForward, vocabulary, sequences, length } = model;
  await using run = await openRun(device, model, sequences, length + 1);
  const name = `train_step_${[layers, width, heads, feedForward, vocabulary, sequences, length]}`;
  return await time(name, { rounds, flops: stepFlops(model) }, () => run.step());
}

const TOKENS_A_STEP = 2048;

/** A step of 2,048 tokens in sequences of `length`, per token. */
export async function timeTokens(device: Device, model: ModelShape, length: number, rounds: number): Promise<Measurement> {
  await using run = await openRun(device, model, TOKENS_A_STEP / length, length);
  return await time(`time_per_token_${length}`, { rounds, per: TOKENS_A_STEP }, () => run.step());
}

/** From the start of a fresh process to the end of its first step, every shader compiled anew. */
export function timeFirstStep(): { adapter: string; ms: number } {
  const cache = mkdtempSync(join(tmpdir(), "zephyr-first-step-"));
  try {
    const script = fileURLToPath(new URL("first-step.ts", import.meta.url));
    const environment = { ...process.env, MESA_SHADER_CACHE_DIR: cache, __GL_SHADER_DISK_CACHE_PATH: cache };
    const { status, stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, script], {
      encoding: "utf8",
      env: environment,
    });
    if (status !== 0) throw new Error(`timeFirstStep: the fresh process ended with ${status}: ${stderr}`);
    const { adapter, ms } = JSON.parse(stdout) as { adapter: string; ms: number };
    return { adapter, ms: rounded(ms) };
  } finally {
    rmSync(cache, { recursive: true });
  }
}

/** `config.json` of the model; no token ends a completion. */
export function configOf({ layers, width, heads, feedForward, vocabulary }: ModelShape, tokens: number) {
  return {
    model_type: "llama",
    num_hidden_layers: layers,
    hidden_size: width,
    num_attention_heads: heads,
    intermediate_size: feedForward,
    vocab_size: vocabulary,
    max_position_embeddings: tokens,
    tie_word_embeddings: false,
    eos_token_id: null,
  };
}

function randomBatch(vocabulary: number, sequences: number, tokens: number): TokenBatch {
  const ids = randomIds(sequences * tokens, vocabulary, 99);
  return {
    inputIds: ids,
    positions: Uint32Array.from(ids, (_, t) => t % tokens),
    sequenceOffsets: Uint32Array.from({ length: sequences + 1 }, (_, s) => s * tokens),
    completionMask: Uint8Array.from(ids, (_, t) => (t % tokens === 0 ? 0 : 1)),
  };
}

/** 6 per matrix parameter and token, and dense attention: 12 T^2 C per layer and sequence. */
function stepFlops({ layers, width, feedForward, vocabulary, sequences, length }: ModelShape): number {
  const parameters = layers * (4 * width ** 2 + 3 * width * feedForward) + width * vocabulary;
  return 6 * parameters * sequences * length + layers * sequences * 12 * length ** 2 * width;
}
