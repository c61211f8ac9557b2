import { collatePreferences, collateSequences, collectRows, pipe, rowsOf, type TokenizedPreferenceRow } from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import { describe, expect, it } from "vitest";
import { requestDevice } from "../device/request-device.ts";
import { createGenerator } from "../generate/generator.ts";
import { loadModel } from "../model/load-model.ts";
import { fixture, fixtureJson } from "../testing/reference.ts";
import { referenceLogps } from "./reference-logps.ts";
import { trainPreference } from "./train-preference.ts";
import { trainSft } from "./train-sft.ts";

/** Kernels that only move numbers, and the loss, whose operations are its own. */
const MOVES = ["write cache", "embedding forward", "embedding clear", "gather rows", "scatter rows", "preference loss"];

const rows = fixtureJson<{ rows: TokenizedPreferenceRow[] }>("trl_dpo_run/tokenized.json").rows.slice(0, 2);

describe("the work that launches say they do", () => {
  it("is said by every launch of training and generation", async (context) => {
    const device = await requestDevice({ profile: true }).catch((error: Error) => context.skip(error.message));
    const { profiler } = device;
    const reported = async () => new Map((await profiler!.report()).map((profile) => [profile.kernel, profile]));
    const seen = new Set<string>();
    const check = (profiles: Awaited<ReturnType<typeof reported>>): void => {
      expect(profiles.size).toBeGreaterThan(5);
      for (const [kernel, { flops, bytes }] of profiles) {
        seen.add(kernel);
        expect(bytes, `bytes of ${kernel}`).toBeGreaterThan(0);
        if (MOVES.includes(kernel)) expect(flops, `operations of ${kernel}`).toBe(0);
        else expect(flops, `operations of ${kernel}`).toBeGreaterThan(0);
      }
    };

    // All of a model with biases, its pairs weighed.
    using policy = await loadModel(device, fixture("qwen2"));
    const parameters = [...policy.weights.tensors.values()].reduce((sum, { bytes }) => sum + bytes / 4, 0);
    const pairs = await collectRows(pipe(rowsOf(rows), referenceLogps(policy)));
    await profiler!.report();
    const preference = trainPreference({
      policy,
      batches: pipe(rowsOf(pairs), collatePreferences({ pairsPerBatch: 2 })),
      loss: dpo(),
      useWeighting: true,
      learningRate: 1e-4,
    });
    for await (const { step } of preference) expect(step).toBe(1);
    const ofPreference = await reported();
    check(ofPreference);
    expect(ofPreference.get("adamw")).toMatchObject({ flops: 15 * parameters, bytes: 7 * 4 * parameters });

    // The same model continuing a prompt of five tokens by three: passes over tokens 0 to 4, 5 and 6.
    {
      using generator = createGenerator(policy, { slots: 1, maxLength: 16 });
      await generator.run({ promptIds: [3, 1, 4, 1, 5], maxTokens: 3, minTokens: 3, temperature: 0 });
    }
    const ofGeneration = await reported();
    check(ofGeneration);
    const { headDim, numAttentionHeads, numKeyValueHeads, numHiddenLayers } = policy.config;
    const attended = 1 + 2 + 3 + 4 + 5 + 6 + 7;
    expect(ofGeneration.get(`cached attention D${headDim}`)).toMatchObject({
      flops: 4 * headDim * numAttentionHeads * numHiddenLayers * attended,
      bytes: 8 * headDim * numHiddenLayers * (numAttentionHeads * 7 + numKeyValueHeads * (5 + 6 + 7)),
    });

    // An adapter with dropout, every layer computed twice.
    using adapted = await loadModel(device, fixture("mistral"), { lora: { r: 4, alpha: 4, dropout: 0.1 } });
    await profiler!.report();
    const sequences = pairs.map(({ prompt_ids, chosen_ids }) => ({
      input_ids: [...prompt_ids, ...chosen_ids],
      completion_mask: [...prompt_ids.map(() => 0), ...chosen_ids.map(() => 1)],
    }));
    const supervised = trainSft({
      policy: adapted,
      batches: pipe(rowsOf(sequences), collateSequences({ sequencesPerBatch: 2 })),
      learningRate: 1e-4,
      activationCheckpointing: true,
    });
    for await (const { step } of supervised) expect(step).toBe(1);
    check(await reported());
    for (const kernel of ["dropout", "pair weights", "bias gradient", "rms-norm weight gradient", "embedding backward"])
      expect([...seen]).toContain(kernel);
    device[Symbol.dispose]();
  });
});
