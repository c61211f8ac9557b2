/**
 * How far is training from transformers and TRL? The worst difference of every quantity of the recorded runs, beside its bound.
 *
 *   npx node --conditions=zephyr-source --import ./tools/wgsl-hook.mjs benchmarks/parity.ts [run...]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { collatePreferences, pipe, rowsOf, type TokenBatch, type TokenizedPreferenceRow } from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import {
  createScorer,
  type Device,
  loadModel,
  type Policy,
  referenceLogps,
  requestDevice,
  savePolicy,
  type Training,
  trainPreference,
  trainSft,
} from "@zephyr/train-webgpu";
import { fixture, fixtureJson, fixtureTensors } from "../packages/train-webgpu/src/testing/reference.ts";

type Log = Record<string, number>;

/** Bounds of the fixtures' README and of CONTRACT.md; those of `grad_norm` are relative. */
function boundOf(name: string): number {
  const bounds: Record<string, number> = {
    loss: 5e-5,
    grad_norm: 1e-3,
    learning_rate: 1e-12,
    mean_token_accuracy: 1e-6,
    epoch: 1e-6,
  };
  if (name in bounds) return bounds[name]!;
  if (name === "num_tokens" || name === "rewards/accuracies") return 1e-6;
  return name.startsWith("rewards/") ? 2e-4 : name.startsWith("logps/") ? 2e-3 : 1e-4;
}

let failed = 0;
function tell(run: string, quantity: string, worst: number, bound: number): void {
  const within = worst <= bound;
  if (!within) failed++;
  console.log(JSON.stringify({ run, quantity, worst, bound, within }));
}

async function forward(device: Device, model: string): Promise<void> {
  using policy = await loadModel(device, fixture(model));
  using scorer = createScorer(policy);
  const tensors = await fixtureTensors(`forward/${model}/forward.safetensors`);
  const ids = tensors.get("input_ids")!;
  const logps = tensors.get("per_token_logps")!;
  const { lengths } = fixtureJson<{ lengths: number[] }>(`forward/${model}/forward.json`);
  const width = ids.shape[1]!;
  let worst = 0;
  for (const [s, length] of lengths.entries()) {
    const inputIds = Uint32Array.from(ids.data.subarray(s * width, s * width + length));
    const batch: TokenBatch = {
      inputIds,
      positions: inputIds.map((_, t) => t),
      sequenceOffsets: Uint32Array.of(0, length),
      completionMask: Uint8Array.from(inputIds, (_, t) => (t === 0 ? 0 : 1)),
    };
    const { tokenLogps } = await scorer.score(batch);
    for (let t = 0; t + 1 < length; t++) worst = Math.max(worst, Math.abs(tokenLogps[t]! - logps.data[s * (width - 1) + t]!));
  }
  tell(`forward ${model}`, "per-token log-probability", worst, 5e-5);
}

async function compareLog<B>(run: string, training: Training<B>, folder: string): Promise<void> {
  const expected = fixtureJson<Log[]>(`${folder}/log_history.json`).filter((entry) => "grad_norm" in entry);
  const worst: Log = {};
  for await (const { step, metrics } of training) {
    for (const [name, value] of Object.entries(expected[step - 1]!)) {
      if (name === "step") continue;
      const scale = name === "grad_norm" ? Math.abs(value) : 1;
      worst[name] = Math.max(worst[name] ?? 0, Math.abs(metrics[name]! - value) / scale);
    }
  }
  for (const [name, difference] of Object.entries(worst)) tell(run, name, difference, boundOf(name));
}

async function compareWeights(run: string, policy: Policy, expected: string, learningRate: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "zephyr-parity-"));
  try {
    await savePolicy(policy, join(folder, "saved"));
    const file = expected.endsWith("adapter_model.safetensors") ? "adapter_model.safetensors" : "model.safetensors";
    const ours = await fixtureTensors(relative(fixture(""), join(folder, "saved", file)));
    const differences: number[] = [];
    for (const [name, { data }] of await fixtureTensors(expected))
      for (const [i, value] of data.entries()) differences.push(Math.abs(value - ours.get(name)!.data[i]!));
    differences.sort((a, b) => a - b);
    const rms = Math.sqrt(differences.reduce((sum, d) => sum + d * d, 0) / differences.length);
    tell(run, "final weights, 99.9th percentile", differences[Math.floor(differences.length * 0.999)]!, 1e-5);
    tell(run, "final weights, rms", rms, 1e-5);
    tell(run, "final weights, largest", differences.at(-1)!, learningRate);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function settings(folder: string) {
  const h = fixtureJson<Log>(`${folder}/hyperparameters.json`);
  const options = {
    learningRate: h["learning_rate"]!,
    schedule: "cosine",
    warmupRatio: 0.1,
    epochs: h["num_train_epochs"]!,
    gradientAccumulationSteps: h["gradient_accumulation_steps"]!,
    weightDecay: h["weight_decay"]!,
  } as const;
  return { beta: h["beta"]!, pairsPerBatch: h["per_device_train_batch_size"]!, options };
}

async function preference(device: Device, folder: string, final: string, adapter?: string): Promise<void> {
  const { beta, pairsPerBatch, options } = settings(folder);
  using policy = await loadModel(device, fixture("mistral"), adapter === undefined ? {} : { adapter: fixture(adapter) });
  const { rows } = fixtureJson<{ rows: TokenizedPreferenceRow[] }>("trl_dpo_run/tokenized.json");
  const scored: TokenizedPreferenceRow[] = [];
  for await (const row of pipe(rowsOf(rows), referenceLogps<TokenizedPreferenceRow>(policy))) scored.push(row);
  const batches = pipe(rowsOf(scored), collatePreferences({ pairsPerBatch }));
  await compareLog(folder, trainPreference({ policy, batches, loss: dpo({ beta }), ...options }), folder);
  await compareWeights(folder, policy, final, options.learningRate);
}

interface MicroBatch {
  input_ids: number[][];
  labels: number[][];
  attention_mask?: number[][];
  position_ids?: number[][];
}

/** A padded or packed batch of TRL's collator as a token stream. */
function stream({ input_ids, labels, attention_mask, position_ids }: MicroBatch): TokenBatch {
  const tokens = input_ids.flatMap((row, r) =>
    row
      .map((id, t) => ({
        id,
        position: position_ids?.[r]?.[t] ?? t,
        label: labels[r]![t]!,
        real: attention_mask?.[r]?.[t] !== 0,
      }))
      .filter(({ real }) => real),
  );
  const starts = tokens.flatMap(({ position }, t) => (position === 0 ? [t] : []));
  return {
    inputIds: Uint32Array.from(tokens, ({ id }) => id),
    positions: Uint32Array.from(tokens, ({ position }) => position),
    sequenceOffsets: Uint32Array.from([...starts, tokens.length]),
    completionMask: Uint8Array.from(tokens, ({ position, label }) => (position === 0 || label === -100 ? 0 : 1)),
  };
}

async function supervised(device: Device, name: string): Promise<void> {
  const folder = `trl_sft_run/${name}`;
  const { options } = settings(folder);
  using policy = await loadModel(device, fixture("mistral"));
  const micro = fixtureJson<MicroBatch[]>(`${folder}/micro_batches.json`).map(stream);
  const perEpoch = micro.length / options.epochs;
  const batches = (epoch: number) => rowsOf(micro.slice(epoch * perEpoch, (epoch + 1) * perEpoch));
  await compareLog(folder, trainSft({ policy, batches, ...options }), folder);
  await compareWeights(folder, policy, `${folder}/final/model.safetensors`, options.learningRate);
}

const RUNS: Record<string, (device: Device) => Promise<void>> = {
  ...Object.fromEntries(
    ["mistral", "llama", "qwen2", "qwen3"].map((model) => [model, (device: Device) => forward(device, model)]),
  ),
  "beta0.1": (device) => preference(device, "trl_dpo_run/beta0.1", "trl_dpo_run/beta0.1/final/model.safetensors"),
  "beta0.01": (device) => preference(device, "trl_dpo_run/beta0.01", "trl_dpo_run/beta0.01/final/model.safetensors"),
  lora: (device) =>
    preference(device, "trl_lora_run", "trl_lora_run/final_adapter/adapter_model.safetensors", "trl_lora_run/initial_adapter"),
  ...Object.fromEntries(
    ["completion_only", "assistant_only", "packing_bfd"].map((name) => [name, (device: Device) => supervised(device, name)]),
  ),
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(RUNS, name));
if (unknown !== undefined) throw new RangeError(`parity: there is no run ${unknown}; there are ${Object.keys(RUNS).join(", ")}`);
using device = await requestDevice();
console.log(JSON.stringify({ adapter: device.adapter.description, adapter_class: device.adapterClass }));
for (const name of asked.length > 0 ? asked : Object.keys(RUNS)) await RUNS[name]!(device);
process.exitCode = failed > 0 ? 1 : 0;
