import type { TokenBatch } from "@zephyr/data";
import { describe, expect, it } from "vitest";
import { deviceOrSkip, portable } from "../testing/device.ts";
import { fixture, fixtureJson, fixtureTensors } from "../testing/reference.ts";
import { loadModel } from "./load-model.ts";
import { createScorer } from "./scorer.ts";

interface Forward {
  lengths: number[];
  sequence_completion_logps?: number[];
}

/** The reference batch without its padding; every token but the first of a row is scored. */
async function referenceBatch(model: string): Promise<{ batch: TokenBatch; perTokenLogps: number[] }> {
  const tensors = await fixtureTensors(`forward/${model}/forward.safetensors`);
  const { shape, data: ids } = tensors.get("input_ids")!;
  const [rows, width] = shape as [number, number];
  const mask = tensors.get("attention_mask")!.data;
  const logps = tensors.get("per_token_logps")!.data;
  const batch = { ids: [] as number[], positions: [] as number[], offsets: [0], mask: [] as number[], logps: [] as number[] };
  for (let row = 0; row < rows; row++) {
    for (let t = 0; t < width; t++) {
      if (mask[row * width + t] === 0) continue;
      batch.ids.push(ids[row * width + t]!);
      batch.positions.push(t);
      batch.mask.push(t === 0 ? 0 : 1);
      if (t > 0) batch.logps.push(logps[row * (width - 1) + t - 1]!);
    }
    batch.offsets.push(batch.ids.length);
  }
  return {
    batch: {
      inputIds: Uint32Array.from(batch.ids),
      positions: Uint32Array.from(batch.positions),
      sequenceOffsets: Uint32Array.from(batch.offsets),
      completionMask: Uint8Array.from(batch.mask),
    },
    perTokenLogps: batch.logps,
  };
}

const worst = (actual: ArrayLike<number>, expected: ArrayLike<number>): number =>
  Array.from(expected).reduce((max, value, i) => Math.max(max, Math.abs(value - actual[i]!)), 0);

describe("the model", () => {
  for (const name of ["mistral", "llama", "qwen2", "qwen3"]) {
    it(`${name}: per-token log-probabilities equal transformers' float64`, async (context) => {
      const device = await deviceOrSkip(context);
      using policy = await loadModel(device, fixture(name));
      using scorer = createScorer(policy);
      const { batch, perTokenLogps } = await referenceBatch(name);
      const { tokenLogps } = await scorer.score(batch);
      expect(tokenLogps.length).toBe(perTokenLogps.length);
      expect(worst(tokenLogps, perTokenLogps)).toBeLessThan(5e-5);
    });
  }

  it("gives the same numbers without subgroups", async (context) => {
    const device = portable(await deviceOrSkip(context));
    using policy = await loadModel(device, fixture("mistral"));
    using scorer = createScorer(policy);
    const { batch, perTokenLogps } = await referenceBatch("mistral");
    expect(worst((await scorer.score(batch)).tokenLogps, perTokenLogps)).toBeLessThan(5e-5);
  });

  it("a sequence's log-probability does not depend, to the bit, on its neighbours or its place", async (context) => {
    const device = await deviceOrSkip(context);
    using policy = await loadModel(device, fixture("mistral"));
    using scorer = createScorer(policy);
    const { batch } = await referenceBatch("mistral");
    const together = (await scorer.score(batch)).sequenceLogps;
    const sequences = [...together.keys()];
    const pick = (order: number[]): TokenBatch => {
      const slices = order.map((s) => [batch.sequenceOffsets[s]!, batch.sequenceOffsets[s + 1]!] as const);
      const gather = (values: Uint32Array | Uint8Array) => slices.flatMap(([from, to]) => [...values.subarray(from, to)]);
      const offsets = [0];
      for (const [from, to] of slices) offsets.push(offsets.at(-1)! + to - from);
      return {
        inputIds: Uint32Array.from(gather(batch.inputIds)),
        positions: Uint32Array.from(gather(batch.positions)),
        sequenceOffsets: Uint32Array.from(offsets),
        completionMask: Uint8Array.from(gather(batch.completionMask)),
      };
    };
    for (const s of sequences) expect((await scorer.score(pick([s]))).sequenceLogps[0]).toBe(together[s]);
    const reversed = [...(await scorer.score(pick(sequences.toReversed()))).sequenceLogps].reverse();
    expect(reversed).toEqual([...together]);
  });

  it("sums of completion log-probabilities equal the reference's", async (context) => {
    const device = await deviceOrSkip(context);
    using policy = await loadModel(device, fixture("mistral"));
    const { sequence_completion_logps: expected } = fixtureJson<Forward>("forward/mistral/forward.json");
    const tensors = await fixtureTensors("forward/mistral/forward.safetensors");
    const labels = tensors.get("labels")!;
    const { batch } = await referenceBatch("mistral");
    const width = labels.shape[1]!;
    let at = 0;
    const mask = batch.completionMask.map((_, t) => {
      const row = batch.sequenceOffsets.findLastIndex((offset) => offset <= t);
      at = t - batch.sequenceOffsets[row]!;
      return labels.data[row * width + at] === -100 ? 0 : 1;
    });
    using scorer = createScorer(policy);
    const { sequenceLogps } = await scorer.score({ ...batch, completionMask: mask });
    expect(worst(sequenceLogps, expected!)).toBeLessThan(2e-3);
  });
});
