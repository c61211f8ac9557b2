import { collatePreferences, collectRows, pipe, rowsOf, type TokenizedPreferenceRow } from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import { expect, it } from "vitest";
import type { Device } from "../device/request-device.ts";
import { parseModelConfig } from "../formats/model-config/parse-model-config.ts";
import { createModel } from "../model/load-model.ts";
import { deviceOrSkip, matrixDeviceOrSkip } from "../testing/device.ts";
import { referenceLogps } from "./reference-logps.ts";
import { trainPreference } from "./train-preference.ts";

/** Every product of it is large enough for matrix units. */
const config = parseModelConfig({
  model_type: "mistral",
  hidden_size: 96,
  intermediate_size: 160,
  num_hidden_layers: 2,
  num_attention_heads: 6,
  num_key_value_heads: 6,
  vocab_size: 201,
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: false,
});

const ids = (length: number, seed: number): number[] => Array.from({ length }, (_, i) => (i * 7919 + seed * 104_729) % 201);
const pairs: TokenizedPreferenceRow[] = [0, 1, 2].map((i) => ({
  prompt_ids: ids(9, i),
  chosen_ids: ids(20 + i, i + 10),
  rejected_ids: ids(26, i + 20),
}));

async function run(device: Device): Promise<{ losses: number[]; norms: number[] }> {
  using policy = await createModel(device, config, { seed: 1 });
  const scored: TokenizedPreferenceRow[] = await collectRows(pipe(rowsOf(pairs), referenceLogps(policy)));
  const batches = () => pipe(rowsOf(scored), collatePreferences({ pairsPerBatch: 3 }));
  const training = trainPreference({ policy, batches, loss: dpo({ beta: 0.1 }), learningRate: 1e-3, epochs: 6 });
  const [losses, norms]: [number[], number[]] = [[], []];
  for await (const { metrics } of training) {
    losses.push(metrics["loss"]!);
    norms.push(metrics["grad_norm"]!);
  }
  return { losses, norms };
}

it("DPO on matrix units, forward and backward, follows the run in float32", async (context) => {
  const half = await run(await matrixDeviceOrSkip(context));
  const full = await run(await deviceOrSkip(context));
  expect(full.losses.at(-1), "the run learns").toBeLessThan(full.losses[0]! - 0.1);
  expect(half.losses, "other numbers than in float32, or nothing ran on matrix units").not.toEqual(full.losses);
  for (const [i, loss] of full.losses.entries()) {
    expect(Math.abs(half.losses[i]! - loss), `loss of step ${i + 1}`).toBeLessThan(2e-3);
    expect(Math.abs(half.norms[i]! / full.norms[i]! - 1), `gradient norm of step ${i + 1}`).toBeLessThan(1e-2);
  }
});
