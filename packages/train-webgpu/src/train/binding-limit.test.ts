import { collatePreferences, collectRows, pipe, rowsOf, type TokenizedPreferenceRow } from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import { describe, expect, it } from "vitest";
import type { Device } from "../device/request-device.ts";
import { parseModelConfig } from "../formats/model-config/parse-model-config.ts";
import { createModel } from "../model/load-model.ts";
import { createScorer } from "../model/scorer.ts";
import { deviceOrSkip } from "../testing/device.ts";
import { expectClose } from "../testing/numbers.ts";
import { referenceLogps } from "./reference-logps.ts";
import { trainPreference } from "./train-preference.ts";

const MIB = 2 ** 20;
/** Embedding and head take 6.8 MiB each, the MLP's matrices 1.1: all are beyond a limit of 1 MiB. */
const config = parseModelConfig({
  model_type: "mistral",
  hidden_size: 144,
  intermediate_size: 2048,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  head_dim: 32,
  num_key_value_heads: 2,
  vocab_size: 12_289,
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: false,
});

const ids = (length: number, seed: number): number[] => Array.from({ length }, (_, i) => (i * 7919 + seed * 104_729) % 12_289);
const pairs: TokenizedPreferenceRow[] = [0, 1].map((i) => ({
  prompt_ids: ids(5, i),
  chosen_ids: ids(6, i + 10),
  rejected_ids: ids(7, i + 20),
}));

/** Two steps of DPO, then the log-probabilities of its tokens; and what was the largest binding. */
async function run(device: Device): Promise<number[]> {
  using policy = await createModel(device, config, { seed: 1 });
  const scored: TokenizedPreferenceRow[] = await collectRows(pipe(rowsOf(pairs), referenceLogps(policy)));
  const batches = () => pipe(rowsOf(scored), collatePreferences({ pairsPerBatch: 2 }));
  const numbers: number[] = [];
  for await (const { metrics } of trainPreference({ policy, batches, loss: dpo({ beta: 0.1 }), learningRate: 1e-3, epochs: 2 })) {
    numbers.push(metrics["loss"]!, metrics["grad_norm"]!);
  }
  using scorer = createScorer(policy);
  for await (const batch of batches()) numbers.push(...(await scorer.score(batch)).tokenLogps);
  return numbers;
}

describe("a device that binds 1 MiB at a time", () => {
  it("trains a model with larger matrices to the same numbers", async (context) => {
    const device = await deviceOrSkip(context);
    const [free, limited] = [await run(device), await run({ ...device, maxBindingBytes: MIB })];
    expect(free.length).toBe(4 + 26);
    expectClose(limited, free, 2e-6);
  });
});
