import { readFileSync } from "node:fs";
import { join } from "node:path";
import { collatePreferences, pipe, rowsOf, type TokenizedPreferenceRow } from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import { type Device, loadModel, referenceLogps, trainPreference } from "@zephyr/train-webgpu";
import {
  attentionGradientReference,
  attentionReference,
} from "../../packages/train-webgpu/src/kernels/attention/attention.reference.ts";
import { attention, attentionTiles, tileRows } from "../../packages/train-webgpu/src/kernels/attention/attention.ts";
import { matmulReference } from "../../packages/train-webgpu/src/kernels/matmul/matmul.reference.ts";
import { product } from "../../packages/train-webgpu/src/kernels/matmul/matmul.ts";
import { runOps, tensor } from "../../packages/train-webgpu/src/testing/tape.ts";
import { uniform } from "../peers/clock.mjs";

/** One check: the worst difference, relative to the largest number, and what it may be. */
export interface Check {
  check: string;
  error: number;
  bound: number;
  passed: boolean;
}

const worst = (actual: ArrayLike<number>, expected: ArrayLike<number>): number => {
  let [difference, largest] = [0, 0.1];
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return difference / largest;
};
const judged = (check: string, error: number, bound: number): Check => ({ check, error, bound, passed: error <= bound });

/** Products at awkward sizes against float64; on matrix units, operands are rounded to 11 bits. */
export async function checkMatmul(device: Device): Promise<Check[]> {
  const checks: Check[] = [];
  for (const layout of ["nn", "nt", "tn"] as const) {
    for (const [m, n, k] of [
      [1, 129, 64],
      [17, 33, 12],
      [257, 65, 68],
      [300, 260, 512],
    ] as const) {
      const [a, b] = [uniform(m * k, 1), uniform(k * n, 2)];
      const operands = { a: tensor(device, "a", a), b: tensor(device, "b", b), c: tensor(device, "c", new Float32Array(m * n)) };
      const { output } = await runOps(
        device,
        {},
        (tape) => {
          product(tape, device, { layout, ...operands, m: () => m, n: () => n, k: () => k, most: { m, n, k } });
          return operands.c;
        },
        { outputLength: m * n },
      );
      const bound = device.adapterClass === "matrix" ? 2e-3 : 3e-6;
      checks.push(judged(`matmul ${layout} ${m}x${n}x${k}`, worst(output, matmulReference(layout, a, b, m, n, k)), bound));
    }
  }
  return checks;
}

/** Attention with grouped heads, a window and ragged sequences, forward and backward, against float64. */
export async function checkAttention(device: Device): Promise<Check[]> {
  const checks: Check[] = [];
  for (const headDim of [64, 128]) {
    const shape = { heads: 4, keyValueHeads: 2, headDim, window: 40 };
    const sequenceOffsets = Uint32Array.of(0, 1, 70, 201);
    const tokens = 201;
    const [q, k, v, dOut] = [4, 2, 2, 4].map((heads, i) => uniform(tokens * heads * headDim, i + 1)) as [
      Float32Array<ArrayBuffer>,
      Float32Array<ArrayBuffer>,
      Float32Array<ArrayBuffer>,
      Float32Array<ArrayBuffer>,
    ];
    const inputs = [q, k, v].map((data, i) => tensor(device, "qkv"[i]!, data, true));
    const tiles = attentionTiles(sequenceOffsets, tileRows(device, headDim));
    const { output, gradients } = await runOps(
      device,
      { tokens, tiles: tiles.length / 4 },
      (tape) =>
        attention(tape, device, inputs[0]!, inputs[1]!, inputs[2]!, tensor(device, "tiles", tiles), {
          ...shape,
          maxTokens: tokens,
        }),
      { outputLength: q.length, outputGradient: dOut, inputs },
    );
    const reference = { ...shape, sequenceOffsets };
    checks.push(judged(`attention ${headDim} forward`, worst(output, attentionReference(q, k, v, reference)), 3e-6));
    const expected = attentionGradientReference(q, k, v, dOut, reference);
    [expected.dq, expected.dk, expected.dv].forEach((gradient, i) => {
      checks.push(judged(`attention ${headDim} d${"qkv"[i]}`, worst(gradients[i]!, gradient), 1e-5));
    });
  }
  return checks;
}

/** TRL's DPO run on a tiny model, step by step. */
export async function checkDpoRun(device: Device, fixtures: string): Promise<Check[]> {
  const json = <T>(name: string): T => JSON.parse(readFileSync(join(fixtures, name), "utf8")) as T;
  const { rows } = json<{ rows: TokenizedPreferenceRow[] }>("trl_dpo_run/tokenized.json");
  const settings = json<Record<string, number>>("trl_dpo_run/beta0.1/hyperparameters.json");
  const log = json<Record<string, number>[]>("trl_dpo_run/beta0.1/log_history.json").filter((entry) => "grad_norm" in entry);
  using policy = await loadModel(device, join(fixtures, "mistral"));
  const pairsPerBatch = settings["per_device_train_batch_size"]!;
  const scored: TokenizedPreferenceRow[] = [];
  for await (const row of pipe(rowsOf(rows), referenceLogps<TokenizedPreferenceRow>(policy))) scored.push(row);
  const training = trainPreference({
    policy,
    batches: () => pipe(rowsOf(scored), collatePreferences({ pairsPerBatch })),
    loss: dpo({ beta: 0.1 }),
    learningRate: settings["learning_rate"]!,
    schedule: "cosine",
    warmupRatio: 0.1,
    epochs: settings["num_train_epochs"]!,
    gradientAccumulationSteps: settings["gradient_accumulation_steps"]!,
    weightDecay: settings["weight_decay"]!,
  });
  let [loss, norm, index] = [0, 0, 0];
  for await (const { metrics } of training) {
    const entry = log[index++]!;
    loss = Math.max(loss, Math.abs(metrics["loss"]! - entry["loss"]!));
    norm = Math.max(norm, Math.abs(metrics["grad_norm"]! / entry["grad_norm"]! - 1));
  }
  const loose = device.adapterClass === "matrix" ? 100 : 1;
  return [
    judged(`DPO against TRL, ${index} steps: loss`, loss, 5e-5 * loose),
    judged("DPO against TRL: gradient norm", norm, 1e-3 * loose),
  ];
}
