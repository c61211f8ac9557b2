import { collatePreferences, pipe, rowsOf, type TokenizedPreferenceRow } from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import { type Device, parseModelConfig, trainingMemory, trainPreference, type WeightDtype } from "@zephyr/train-webgpu";
import { matchTargetModules } from "../../packages/train-webgpu/src/formats/adapter/target-modules.ts";
import { allocateAdapter } from "../../packages/train-webgpu/src/model/device-adapter.ts";
import { createPolicy, type Policy } from "../../packages/train-webgpu/src/model/policy.ts";
import { allocateWeights } from "../../packages/train-webgpu/src/model/weights.ts";
import { formatOf } from "../../packages/train-webgpu/src/plan/slabs.ts";
import type { Tensor } from "../../packages/train-webgpu/src/plan/tensor.ts";
import { settled, write } from "../../packages/train-webgpu/src/plan/upload.ts";
import { rounded } from "../peers/clock.mjs";

export interface StepShape {
  name: string;
  hidden: number;
  feedForward: number;
  layers: number;
  heads: number;
  keyValueHeads: number;
  vocabulary: number;
}

/** Shapes of a toy, TinyLlama-1.1B (arXiv 2401.02385) and Mistral-7B (arXiv 2310.06825). */
export const SHAPES: StepShape[] = [
  // For a trial of the benchmark itself.
  { name: "tiny", hidden: 256, feedForward: 512, layers: 2, heads: 4, keyValueHeads: 2, vocabulary: 32_000 },
  { name: "1b", hidden: 2048, feedForward: 5632, layers: 22, heads: 32, keyValueHeads: 4, vocabulary: 32_000 },
  { name: "7b", hidden: 4096, feedForward: 14_336, layers: 32, heads: 32, keyValueHeads: 8, vocabulary: 32_000 },
];

export interface StepResult {
  case: string;
  dtype: WeightDtype;
  pairs: number;
  length: number;
  tokens_per_second: number;
  seconds_per_step: number;
  loss: number;
  memory_gib: number;
}

const RANK = 16;

/** A DPO step of an adapter of rank 16 on a frozen model whose weights are small random numbers: the time does not depend on them. */
export async function timeDpoStep(
  device: Device,
  shape: StepShape,
  { dtype, pairs, length, rounds }: { dtype: WeightDtype; pairs: number; length: number; rounds: number },
): Promise<StepResult> {
  const config = parseModelConfig({
    model_type: "llama",
    hidden_size: shape.hidden,
    intermediate_size: shape.feedForward,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.keyValueHeads,
    vocab_size: shape.vocabulary,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: false,
  });
  using policy = await randomPolicy(device, config, dtype);
  const ids = (count: number, seed: number): number[] =>
    Array.from({ length: count }, (_, i) => (i * 7919 + seed * 104_729) % shape.vocabulary);
  const prompt = Math.floor(length / 4);
  const rows: TokenizedPreferenceRow[] = Array.from({ length: pairs }, (_, i) => ({
    prompt_ids: ids(prompt, i),
    chosen_ids: ids(length - prompt, i + 100),
    rejected_ids: ids(length - prompt, i + 200),
    ref_chosen_logps: -1000,
    ref_rejected_logps: -1000,
  }));
  const training = trainPreference({
    policy,
    batches: () => pipe(rowsOf(rows), collatePreferences({ pairsPerBatch: pairs })),
    loss: dpo({ beta: 0.1 }),
    reference: "other",
    learningRate: 1e-5,
    maxSteps: rounds + 2,
    epochs: rounds + 2,
    activationCheckpointing: true,
  });
  const times: number[] = [];
  let [last, loss] = [performance.now(), Number.NaN];
  for await (const { metrics } of training) {
    times.push((performance.now() - last) / 1000);
    last = performance.now();
    loss = metrics["loss"]!;
  }
  const seconds = times.slice(2).sort((a, b) => a - b)[rounds >> 1]!;
  const plan = {
    batch: "pairs",
    batchSize: pairs,
    maxLength: length,
    dtype,
    lora: { r: RANK },
    activationCheckpointing: true,
  } as const;
  return {
    case: `dpo_lora_${shape.name}`,
    dtype,
    pairs,
    length,
    tokens_per_second: rounded((2 * pairs * length) / seconds),
    seconds_per_step: rounded(seconds),
    loss,
    memory_gib: rounded(trainingMemory(config, plan, device).total / 2 ** 30),
  };
}

async function randomPolicy(device: Device, config: ReturnType<typeof parseModelConfig>, dtype: WeightDtype): Promise<Policy> {
  const weights = allocateWeights(device, config, dtype);
  for (const [name, tensor] of weights.tensors) {
    await fill(device, tensor, name.endsWith("norm.weight") ? 1 : 0.02);
    if (tensor.scales) await fill(device, tensor.scales, 0.02);
  }
  const targetModules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
  const adapter = {
    config: { r: RANK, loraAlpha: RANK, loraDropout: 0, useRslora: false, targetModules, baseModel: undefined, raw: {} },
    weights: allocateAdapter(device, matchTargetModules(config, targetModules), RANK),
  };
  for (const tensor of adapter.weights.tensors.values()) await fill(device, tensor, 0.001);
  return createPolicy({ device, config, weights, adapter });
}

const BLOCK_WORDS = 2 ** 22;

/** Writes a tensor full of numbers up to `scale`: float32, or halves and codes that stand for such numbers. */
async function fill(device: Device, tensor: Tensor, scale: number): Promise<void> {
  const words = Math.min(BLOCK_WORDS, tensor.bytes / 4);
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  const half = (): number => (tensor.name.endsWith("scales") ? 0x251f : 0x3c00 | (next() >>> 25) | ((next() >>> 31) << 15));
  const isFloat = formatOf(tensor) === "f32" && !tensor.name.endsWith("scales");
  const block = isFloat
    ? Float32Array.from({ length: words }, () => (scale === 1 ? 1 : (next() / 2 ** 31 - 1) * scale))
    : Uint32Array.from({ length: words }, () => (formatOf(tensor) === "nf4" ? next() : (half() | (half() << 16)) >>> 0));
  for (let at = 0; at < tensor.bytes; at += words * 4) {
    write(device, tensor, block.subarray(0, Math.min(words, (tensor.bytes - at) / 4)), at);
    if (at % (16 * BLOCK_WORDS) === 0) await settled(device);
  }
}
