import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { collateSequences, pipe, rowsOf } from "@zephyr/data";
import { describe, expect, it } from "vitest";
import { toFloat32 } from "../formats/safetensors/convert.ts";
import { openSafetensors } from "../formats/safetensors/read.ts";
import { deviceOrSkip } from "../testing/device.ts";
import { expectClose } from "../testing/numbers.ts";
import { fixture, fixtureJson } from "../testing/reference.ts";
import { trainSft } from "../train/train-sft.ts";
import { loadModel } from "./load-model.ts";
import { createPolicy, type Policy } from "./policy.ts";
import { mergeAdapter, savePolicy } from "./save-model.ts";
import { createScorer } from "./scorer.ts";
import { downloadWeight, unpackWeights } from "./weights.ts";

interface Tokenized {
  rows: { chosen_ids: number[]; prompt_ids: number[] }[];
}

/** Sequences of the reference run, as supervised rows. */
function rows() {
  return fixtureJson<Tokenized>("trl_dpo_run/tokenized.json")
    .rows.slice(0, 4)
    .map(({ prompt_ids, chosen_ids }) => ({
      input_ids: [...prompt_ids, ...chosen_ids],
      completion_mask: [...prompt_ids.map(() => 0), ...chosen_ids.map(() => 1)],
    }));
}

const batches = () => pipe(rowsOf(rows()), collateSequences({ sequencesPerBatch: 4 }));

async function tokenLogps(policy: Policy): Promise<Float32Array> {
  using scorer = createScorer(policy);
  for await (const batch of batches()) return (await scorer.score(batch)).tokenLogps;
  throw new Error("no batch");
}

async function unpacked(policy: Policy): Promise<Policy> {
  const { device, config } = policy;
  return createPolicy({ device, config, weights: await unpackWeights(device, policy.weights) });
}

describe("a base model in bf16 or NF4", () => {
  for (const dtype of ["bf16", "nf4"] as const) {
    it(`${dtype}: log-probabilities are those of the float32 model with the same numbers`, async (context) => {
      const device = await deviceOrSkip(context);
      for (const name of ["mistral", "qwen2"]) {
        using policy = await loadModel(device, fixture(name), { dtype });
        using wide = await unpacked(policy);
        const original = await loadModel(device, fixture(name));
        const [narrow, same, full] = [await tokenLogps(policy), await tokenLogps(wide), await tokenLogps(original)];
        expectClose(narrow, same, 1e-6, name);
        const change = narrow.reduce((sum, value, i) => sum + Math.abs(value - full[i]!) / narrow.length, 0);
        expect(change).toBeGreaterThan(1e-4);
        expect(change).toBeLessThan(dtype === "bf16" ? 0.05 : 1);
        original[Symbol.dispose]();
      }
    });

    it(`${dtype}: an adapter learns on it what it learns on those numbers in float32, and merges`, async (context) => {
      const device = await deviceOrSkip(context);
      const lora = { r: 4, alpha: 8 };
      using policy = await loadModel(device, fixture("mistral"), { dtype, lora, seed: 3 });
      const fresh = await loadModel(device, fixture("mistral"), { lora, seed: 3 });
      fresh.weights[Symbol.dispose]();
      const { config, adapter } = fresh;
      using wide = createPolicy({ device, config, adapter, weights: await unpackWeights(device, policy.weights) });
      const learned = async (trained: Policy): Promise<number[]> => {
        const losses: number[] = [];
        for await (const { metrics } of trainSft({
          policy: trained,
          batches: batches(),
          learningRate: 0.01,
          maxSteps: 3,
          epochs: 3,
        }))
          losses.push(metrics["loss"]!, metrics["grad_norm"]!);
        return losses;
      };
      const [narrow, same] = [await learned(policy), await learned(wide)];
      expectClose(narrow, same, 1e-5, "losses and gradient norms");
      expect(narrow[4]!).toBeLessThan(narrow[0]!);
      using merged = await mergeAdapter(policy);
      expectClose(await tokenLogps(merged), await tokenLogps(policy), 1e-5, "merged");
    });
  }

  it("holds the checkpoint's own numbers where it is stored in bf16, and saves what it holds", async (context) => {
    const device = await deviceOrSkip(context);
    using policy = await loadModel(device, fixture("mistral"), { dtype: "bf16" });
    const folder = join(mkdtempSync(join(tmpdir(), "zephyr-")), "saved");
    try {
      await savePolicy(policy, folder);
      await using file = await openSafetensors(folder);
      const name = "model.layers.0.mlp.down_proj.weight";
      const saved = toFloat32(await file.read(name), "F32");
      expect(saved).toEqual(await downloadWeight(device, policy.weights, name));
      await using original = await openSafetensors(fixture("mistral"));
      const exact = toFloat32(await original.read(name), original.tensors.get(name)!.dtype);
      expectClose(saved, exact, 2 ** -8, name);
      const norm = "model.norm.weight";
      expect(toFloat32(await file.read(norm), "F32")).toEqual(
        toFloat32(await original.read(norm), original.tensors.get(norm)!.dtype),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("cannot be trained without an adapter", async (context) => {
    const device = await deviceOrSkip(context);
    using policy = await loadModel(device, fixture("mistral"), { dtype: "bf16" });
    const run = trainSft({ policy, batches: batches(), learningRate: 1e-3 });
    await expect(run[Symbol.asyncIterator]().next()).rejects.toThrow(/is stored as bf16, which cannot be trained; .* lora/);
  });
});
