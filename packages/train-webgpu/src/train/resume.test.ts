import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { collatePreferences, collectRows, pipe, rowsOf, type TokenizedPreferenceRow } from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Device } from "../device/request-device.ts";
import { newestGoodCheckpoint } from "../formats/trainer-state/checkpoint.ts";
import { downloadAdapter } from "../model/device-adapter.ts";
import { type LoadModelOptions, loadModel } from "../model/load-model.ts";
import { downloadWeight } from "../model/weights.ts";
import { deviceOrSkip } from "../testing/device.ts";
import { fixture, fixtureJson } from "../testing/reference.ts";
import { referenceLogps } from "./reference-logps.ts";
import { trainPreference } from "./train-preference.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "resume-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Five steps over two epochs of three batches; stops after `until`, saving a checkpoint there. */
async function run(device: Device, model: LoadModelOptions, options: { resumeFrom?: string; until?: number } = {}) {
  const { rows } = fixtureJson<{ rows: TokenizedPreferenceRow[] }>("trl_dpo_run/tokenized.json");
  using policy = await loadModel(device, fixture("mistral"), model);
  const scored = rowsOf(await collectRows(pipe(rowsOf(rows.slice(0, 5)), referenceLogps<TokenizedPreferenceRow>(policy))));
  const batches = pipe(scored, collatePreferences({ pairsPerBatch: 2 }));
  const training = trainPreference({
    policy,
    batches,
    loss: dpo({ beta: 0.1 }),
    learningRate: 1e-3,
    schedule: "cosine",
    warmupRatio: 0.2,
    maxSteps: 5,
    weightDecay: 0.01,
    ...(options.resumeFrom !== undefined && { resumeFrom: options.resumeFrom }),
  });
  const log: Record<string, number>[] = [];
  for await (const { step, metrics } of training) {
    log.push({ step, ...metrics });
    if (step !== options.until) continue;
    await training.saveCheckpoint(folder);
    break;
  }
  const weights = policy.adapter
    ? [...(await downloadAdapter(device, policy.adapter)).matrices.values()].flatMap(({ loraA, loraB }) => [loraA, loraB])
    : [
        await downloadWeight(device, policy.weights, "lm_head.weight"),
        await downloadWeight(device, policy.weights, "model.layers.0.mlp.up_proj.weight"),
      ];
  return { log, weights };
}

describe("a resumed run", () => {
  const models: [string, LoadModelOptions][] = [
    ["the whole model", {}],
    ["a low-rank adapter", { lora: { r: 6, alpha: 12, targetModules: ["q_proj", "v_proj"] }, seed: 3 }],
  ];
  it.for(models)("equals an undisturbed one to the bit: %s", async ([, model], context) => {
    const device = await deviceOrSkip(context);
    const whole = await run(device, model);
    const again = await run(device, model);
    expect(again).toEqual(whole);
    const first = await run(device, model, { until: 4 });
    const { checkpoint } = await newestGoodCheckpoint(folder);
    const second = await run(device, model, { resumeFrom: checkpoint!.path });
    expect([...first.log, ...second.log]).toEqual(whole.log);
    expect(second.weights).toEqual(whole.weights);
  });
});
