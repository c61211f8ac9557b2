import { collatePreferences, pipe, rowsOf, type TokenBatch, type TokenizedPreferenceRow } from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import { describe, expect, it } from "vitest";
import { parameterShapes } from "../formats/model-config/parameter-shapes.ts";
import { downloadAdapter } from "../model/device-adapter.ts";
import { loadModel } from "../model/load-model.ts";
import type { Policy } from "../model/policy.ts";
import { downloadWeight } from "../model/weights.ts";
import { deviceOrSkip } from "../testing/device.ts";
import { fixture, fixtureJson, fixtureTensors } from "../testing/reference.ts";
import { referenceLogps } from "./reference-logps.ts";
import { trainPreference } from "./train-preference.ts";
import { trainSft } from "./train-sft.ts";
import type { Training } from "./training.ts";

/** Runs of TRL 1.13 reproduced step by step; the bounds are the table of the fixtures' README. */

type Log = Record<string, number>;

interface Hyperparameters {
  learning_rate: number;
  num_train_epochs: number;
  gradient_accumulation_steps: number;
  per_device_train_batch_size: number;
  weight_decay: number;
  beta: number;
}

function settings(folder: string) {
  const h = fixtureJson<Hyperparameters>(`${folder}/hyperparameters.json`);
  return {
    beta: h.beta,
    pairsPerBatch: h.per_device_train_batch_size,
    options: {
      learningRate: h.learning_rate,
      schedule: "cosine",
      warmupRatio: 0.1,
      epochs: h.num_train_epochs,
      gradientAccumulationSteps: h.gradient_accumulation_steps,
      weightDecay: h.weight_decay,
    } as const,
  };
}

const bound = (name: string, expected: number): number => {
  if (name === "loss") return 5e-5;
  if (name === "grad_norm") return 1e-3 * Math.abs(expected);
  if (name.startsWith("rewards/acc") || name === "epoch" || name === "num_tokens") return 1e-6;
  if (name.startsWith("rewards/")) return 2e-4;
  if (name.startsWith("logps/")) return 2e-3;
  if (name === "learning_rate") return 1e-12;
  return name === "mean_token_accuracy" ? 1e-6 : 1e-4;
};

/** TRL ends its log with a summary, which is not a step. */
async function expectLog<B>(training: Training<B>, log: Log[]): Promise<void> {
  const expected = log.filter((entry) => "grad_norm" in entry);
  const steps: Log[] = [];
  for await (const { step, metrics } of training) steps.push({ step, ...metrics });
  expect(steps.length).toBe(expected.length);
  expected.forEach((entry, index) => {
    for (const [name, value] of Object.entries(entry)) {
      const actual = steps[index]![name];
      expect(actual, `step ${entry["step"]} has ${name}`).toBeDefined();
      expect(Math.abs(actual! - value), `${name} of step ${entry["step"]}: ${actual}, TRL has ${value}`).toBeLessThanOrEqual(
        bound(name, value),
      );
    }
  });
}

function expectWeights(
  actual: Map<string, Float32Array>,
  expected: Map<string, { data: Float64Array }>,
  learningRate: number,
): void {
  const differences: number[] = [];
  for (const [name, { data }] of expected) {
    for (const [i, value] of data.entries()) differences.push(Math.abs(value - actual.get(name)![i]!));
  }
  differences.sort((a, b) => a - b);
  const rms = Math.sqrt(differences.reduce((sum, d) => sum + d * d, 0) / differences.length);
  expect(differences[Math.floor(differences.length * 0.999)]!, "99.9th percentile").toBeLessThanOrEqual(1e-5);
  expect(rms, "rms").toBeLessThanOrEqual(1e-5);
  expect(differences.at(-1)!, "largest").toBeLessThanOrEqual(learningRate);
}

async function weightsOf(policy: Policy): Promise<Map<string, Float32Array>> {
  const weights = new Map<string, Float32Array>();
  for (const { name } of parameterShapes(policy.config))
    weights.set(name, await downloadWeight(policy.device, policy.weights, name));
  return weights;
}

async function pairsWithReference(policy: Policy): Promise<TokenizedPreferenceRow[]> {
  const { rows } = fixtureJson<{ rows: TokenizedPreferenceRow[] }>("trl_dpo_run/tokenized.json");
  const scored: TokenizedPreferenceRow[] = [];
  for await (const row of pipe(rowsOf(rows), referenceLogps<TokenizedPreferenceRow>(policy))) scored.push(row);
  return scored;
}

interface MicroBatch {
  input_ids: number[][];
  labels: number[][];
  attention_mask?: number[][];
  position_ids?: number[][];
}

/** A padded or packed batch of TRL's collator as a token stream. */
function stream({ input_ids, labels, attention_mask, position_ids }: MicroBatch): TokenBatch {
  const batch = { ids: [] as number[], positions: [] as number[], mask: [] as number[], offsets: [] as number[] };
  input_ids.forEach((row, r) => {
    row.forEach((id, t) => {
      if (attention_mask && attention_mask[r]![t] === 0) return;
      const position = position_ids?.[r]?.[t] ?? t;
      if (position === 0) batch.offsets.push(batch.ids.length);
      batch.ids.push(id);
      batch.positions.push(position);
      batch.mask.push(position === 0 || labels[r]![t] === -100 ? 0 : 1);
    });
  });
  return {
    inputIds: Uint32Array.from(batch.ids),
    positions: Uint32Array.from(batch.positions),
    sequenceOffsets: Uint32Array.from([...batch.offsets, batch.ids.length]),
    completionMask: Uint8Array.from(batch.mask),
  };
}

describe("runs of TRL, reproduced", () => {
  for (const name of ["beta0.1", "beta0.01"]) {
    it(`DPO, full fine-tuning, ${name}`, async (context) => {
      const device = await deviceOrSkip(context);
      const { beta, pairsPerBatch, options } = settings(`trl_dpo_run/${name}`);
      using policy = await loadModel(device, fixture("mistral"));
      const rows = await pairsWithReference(policy);
      const batches = pipe(rowsOf(rows), collatePreferences({ pairsPerBatch }));
      await expectLog(
        trainPreference({ policy, batches, loss: dpo({ beta }), ...options }),
        fixtureJson<Log[]>(`trl_dpo_run/${name}/log_history.json`),
      );
      expectWeights(
        await weightsOf(policy),
        await fixtureTensors(`trl_dpo_run/${name}/final/model.safetensors`),
        options.learningRate,
      );
    });
  }

  it("DPO with a loss written in TypeScript and with activation checkpointing gives the same run", async (context) => {
    const device = await deviceOrSkip(context);
    const { beta, pairsPerBatch, options } = settings("trl_dpo_run/beta0.1");
    using policy = await loadModel(device, fixture("mistral"));
    const rows = await pairsWithReference(policy);
    const batches = pipe(rowsOf(rows), collatePreferences({ pairsPerBatch }));
    const own = dpo({ beta });
    const loss = (logps: Parameters<typeof own>[0]) => own(logps);
    const training = trainPreference({ policy, batches, loss, activationCheckpointing: true, ...options });
    await expectLog(training, fixtureJson<Log[]>("trl_dpo_run/beta0.1/log_history.json"));
  });

  it("DPO of a low-rank adapter, the reference being the model without it", async (context) => {
    const device = await deviceOrSkip(context);
    const { beta, pairsPerBatch, options } = settings("trl_lora_run");
    using policy = await loadModel(device, fixture("mistral"), { adapter: fixture("trl_lora_run/initial_adapter") });
    const rows = await pairsWithReference(policy);
    const batches = pipe(rowsOf(rows), collatePreferences({ pairsPerBatch }));
    await expectLog(
      trainPreference({ policy, batches, loss: dpo({ beta }), ...options }),
      fixtureJson<Log[]>("trl_lora_run/log_history.json"),
    );
    const { matrices } = await downloadAdapter(device, policy.adapter!);
    const actual = new Map(
      [...matrices].flatMap(([module, { loraA, loraB }]) => [
        [`base_model.model.${module}.lora_A.weight`, loraA] as const,
        [`base_model.model.${module}.lora_B.weight`, loraB] as const,
      ]),
    );
    expectWeights(actual, await fixtureTensors("trl_lora_run/final_adapter/adapter_model.safetensors"), options.learningRate);
  });

  for (const name of ["completion_only", "assistant_only", "packing_bfd"]) {
    it(`SFT, ${name}`, async (context) => {
      const device = await deviceOrSkip(context);
      const { options } = settings(`trl_sft_run/${name}`);
      using policy = await loadModel(device, fixture("mistral"));
      const micro = fixtureJson<MicroBatch[]>(`trl_sft_run/${name}/micro_batches.json`).map(stream);
      const perEpoch = micro.length / options.epochs;
      const batches = (epoch: number) => rowsOf(micro.slice(epoch * perEpoch, (epoch + 1) * perEpoch));
      await expectLog(trainSft({ policy, batches, ...options }), fixtureJson<Log[]>(`trl_sft_run/${name}/log_history.json`));
      expectWeights(
        await weightsOf(policy),
        await fixtureTensors(`trl_sft_run/${name}/final/model.safetensors`),
        options.learningRate,
      );
    });
  }
});
