import { collatePreferences, pipe, rowsOf, type TokenBatch, type TokenizedPreferenceRow } from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import { describe, expect, it } from "vitest";
import type { Device } from "../device/request-device.ts";
import { loadModel } from "../model/load-model.ts";
import { needs } from "../model/stream.ts";
import { read } from "../plan/upload.ts";
import { deviceOrSkip } from "../testing/device.ts";
import { fixture, fixtureJson, fixtureTensors } from "../testing/reference.ts";
import { referenceLogps } from "./reference-logps.ts";
import { createTrainables, type Trainables } from "./trainables.ts";
import { createTrainingPlan } from "./training-plan.ts";

/** Every parameter's gradient against transformers and TRL in float64: relative L2 error per tensor. */
async function expectGradients(device: Device, trainables: Trainables, file: string): Promise<void> {
  const expected = await fixtureTensors(file);
  expect(expected.size).toBe(trainables.list.length);
  for (const { name, gradient } of trainables.list) {
    const reference = expected.get(name)!.data;
    const [actual] = await read(device, [{ tensor: gradient, length: reference.length }]);
    let error = 0;
    let size = 0;
    reference.forEach((value, i) => {
      error += (actual![i]! - value) ** 2;
      size += value ** 2;
    });
    expect(Math.sqrt(error / size), name).toBeLessThan(1e-4);
  }
}

describe("gradients", () => {
  it("of the supervised loss equal transformers' for every parameter", async (context) => {
    const device = await deviceOrSkip(context);
    const tensors = await fixtureTensors("forward/mistral/forward.safetensors");
    const [ids, mask, labels] = ["input_ids", "attention_mask", "labels"].map((name) => tensors.get(name)!);
    const width = ids!.shape[1]!;
    const kept = [...ids!.data.keys()].filter((i) => mask!.data[i] === 1);
    const offsets = kept.flatMap((i, t) => (i % width === 0 ? [t] : []));
    const batch: TokenBatch = {
      inputIds: Uint32Array.from(kept, (i) => ids!.data[i]!),
      positions: Uint32Array.from(kept, (i) => i % width),
      sequenceOffsets: Uint32Array.from([...offsets, kept.length]),
      completionMask: Uint8Array.from(kept, (i) => (i % width > 0 && labels!.data[i] !== -100 ? 1 : 0)),
    };
    using policy = await loadModel(device, fixture("mistral"));
    using trainables = createTrainables(policy);
    const capacity = needs(batch);
    for (const checkpointing of [false, true]) {
      using plan = await createTrainingPlan({ policy, trainables, capacity, checkpointing });
      await plan.supervised(batch, { index: 0, lossScale: 1 / capacity.labelled });
      await expectGradients(device, trainables, "forward/mistral/grads.safetensors");
    }
  });

  it("of the DPO loss equal TRL's for every parameter", async (context) => {
    const device = await deviceOrSkip(context);
    const all = fixtureJson<{ rows: TokenizedPreferenceRow[] }>("trl_dpo_run/tokenized.json").rows.slice(0, 4);
    const rows = all.map((row, i) =>
      i % 2 === 0 ? row : { ...row, chosen_ids: row.rejected_ids, rejected_ids: row.chosen_ids },
    );
    using reference = await loadModel(device, fixture("mistral"));
    using policy = await loadModel(device, fixture("trl_dpo_run/beta0.1/final"));
    using trainables = createTrainables(policy);
    const loss = dpo({ beta: 0.1 });
    const batches = pipe(
      rowsOf(rows),
      referenceLogps<TokenizedPreferenceRow>(reference),
      collatePreferences({ pairsPerBatch: 4 }),
    );
    for await (const batch of batches) {
      using plan = await createTrainingPlan({ policy, trainables, capacity: needs(batch), checkpointing: false, loss });
      await plan.preference(batch, loss, { index: 0, lossScale: 1 });
      await expectGradients(device, trainables, "dpo_on_model_grads.safetensors");
    }
  });
});
