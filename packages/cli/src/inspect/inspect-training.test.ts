import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Device } from "@zephyr/train-webgpu";
import { describe, expect, it } from "vitest";
import { reference, runCli } from "../testing/run-cli.ts";
import { inspectTraining, refuseTooLarge, shapeOfRun } from "./inspect-training.ts";

const mistral7b = {
  model_type: "mistral",
  hidden_size: 4096,
  intermediate_size: 14_336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 32_000,
  max_position_embeddings: 32_768,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: false,
};

function folderOf(config: object): string {
  const folder = mkdtempSync(join(tmpdir(), "zephyr-"));
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

const pairs = [30, 10, 50].map((length) => ({
  prompt_ids: Array(5).fill(1),
  chosen_ids: Array(length).fill(1),
  rejected_ids: Array(length).fill(1),
}));
const settings = { perDeviceTrainBatchSize: 2, gradientCheckpointing: true };

describe("the memory of a training run", () => {
  it("is planned for the longest rows that can come together", () => {
    expect(shapeOfRun({ dtype: "nf4", lora: { r: 8, alpha: 8 } }, pairs, settings)).toEqual({
      batch: "pairs",
      batchSize: 2,
      maxLength: Math.ceil((2 * 5 * 2 + 2 * 50 + 2 * 30) / 4),
      dtype: "nf4",
      activationCheckpointing: true,
      lora: { r: 8, alpha: 8 },
    });
    const sequences = [{ input_ids: Array(7).fill(1) }];
    expect(shapeOfRun({}, sequences, settings)).toMatchObject({ batch: "sequences", batchSize: 1, maxLength: 7, dtype: "f32" });
    const withAdapter = shapeOfRun({ adapter: reference("trl_lora_run/initial_adapter") }, pairs, settings);
    expect(withAdapter.lora).toMatchObject({ r: expect.any(Number) });
  });

  it("refuses what cannot fit a software adapter, naming parts and a remedy, and leaves a GPU to find out", async () => {
    const folder = folderOf(mistral7b);
    const shape = shapeOfRun({}, pairs, settings);
    const refused = refuseTooLarge({ adapterClass: "software" } as Device, folder, shape);
    await expect(refused).rejects.toThrow(/the largest parts are AdamW's moments [\d.]+ GiB, base weights .* GiB, gradients/);
    await expect(refused).rejects.toMatchObject({ code: "ERR_OUT_OF_DEVICE_MEMORY" });
    await refuseTooLarge({ adapterClass: "tile" } as Device, folder, shape);
    await refuseTooLarge({ adapterClass: "software" } as Device, reference("mistral"), shape);
  });

  it("says what makes a 7B model fit", async () => {
    const folder = folderOf(mistral7b);
    const plan = await inspectTraining(folder, { batch: "pairs", batchSize: 1, maxLength: 1024 }, 24 * 2 ** 30);
    expect(plan.fits).toBe(false);
    expect(plan.advice?.change).toBe("--lora-r 16 --dtype bf16 --gradient-checkpointing");
    expect((await inspectTraining(folder, { batch: "pairs", batchSize: 1, maxLength: 64 }, undefined)).fits).toBeNull();
  });
});

describe("zephyr inspect MODEL --train", () => {
  it("shows the plan by parts, and exits with 1 where the device is too small", async () => {
    const model = reference("mistral");
    const shown = await runCli(["inspect", model, "--train", "dpo", "--lora-r", "4", "--dtype", "nf4", "--json"]);
    expect(shown.code, shown.stderr).toBe(0);
    const { memory, fits } = JSON.parse(shown.stdout) as Awaited<ReturnType<typeof inspectTraining>>;
    expect(fits).toBeNull();
    const { weights, adapter, gradients, moments, activations, batch, total } = memory;
    expect(weights + adapter + gradients + moments + activations + batch).toBe(total);
    const small = await runCli(["inspect", model, "--train", "sft", "--device-memory", "0.001"]);
    expect(small.code).toBe(1);
    expect(small.stderr).toMatch(
      /the run needs [\d.]+ MiB of device memory and there are 1.0 MiB; the largest parts are activations/,
    );
    const frozen = await runCli(["inspect", model, "--train", "sft", "--dtype", "bf16"]);
    expect(frozen).toMatchObject({ code: 2, stderr: expect.stringContaining("give --lora-r") });
  });
});
