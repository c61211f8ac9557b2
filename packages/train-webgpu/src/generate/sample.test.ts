import { describe, expect, it } from "vitest";
import { uniforms } from "../random/random-stream.ts";
import { topTokens } from "./log-probabilities.ts";
import { type SamplingOptions, sampleToken } from "./sample.ts";

const logits = Float32Array.of(0, Math.log(2), Math.log(4), Math.log(1));

/** How often each id comes, out of evenly spaced draws. */
function counts(values: Float32Array, draws: number, options: SamplingOptions = {}): number[] {
  const found = Array(values.length).fill(0);
  for (let i = 0; i < draws; i++) found[sampleToken(values, (i + 0.5) / draws, options)]++;
  return found;
}
const drawn = (values: Float32Array, options: SamplingOptions): number[] =>
  counts(values, 500, options).flatMap((count, id) => (count > 0 ? [id] : []));

describe("sampleToken", () => {
  it("temperature 0 takes the largest logit, the first where two are equal", () => {
    expect(sampleToken(logits, 0.99, { temperature: 0 })).toBe(2);
    expect(sampleToken(Float32Array.of(1, 3, 3), 0.5, { temperature: 0 })).toBe(1);
  });

  it("draws in proportion to exp(logit / temperature)", () => {
    expect(counts(logits, 8000)).toEqual([1000, 2000, 4000, 1000]);
    expect(counts(logits, 2200, { temperature: 0.5 })).toEqual([100, 400, 1600, 100]);
    expect(counts(Float32Array.of(0, Math.log(4)), 300, { temperature: 2 })).toEqual([100, 200]);
  });

  it("top-k keeps the likeliest and their equals, top-p the fewest that hold the mass", () => {
    expect(drawn(logits, { topK: 1 })).toEqual([2]);
    expect(drawn(logits, { topK: 2 })).toEqual([1, 2]);
    // The third largest is there twice: TopKLogitsWarper removes what is smaller than it.
    expect(drawn(logits, { topK: 3 })).toEqual([0, 1, 2, 3]);
    expect(drawn(logits, { topP: 0.5 })).toEqual([2]);
    expect(drawn(logits, { topP: 0.51 })).toEqual([1, 2]);
    expect(drawn(logits, { topP: 0.76 })).toEqual([0, 1, 2]);
    expect(drawn(logits, { topP: 1e-9 })).toEqual([2]);
    expect(drawn(logits, { topK: 4, topP: 1 })).toEqual([0, 1, 2, 3]);
  });

  it("temperature comes first, then top-k, then top-p among what is left", () => {
    // Weights 1 2 4 1 become 1 4 16 1: the largest holds 16/22.
    expect(drawn(logits, { temperature: 0.5, topP: 0.72 })).toEqual([2]);
    expect(drawn(logits, { topP: 0.72 })).toEqual([1, 2]);
    // Among the two that top-k leaves, the larger holds 2/3.
    expect(drawn(logits, { topK: 2, topP: 0.66 })).toEqual([2]);
    expect(drawn(logits, { topK: 2, topP: 0.67 })).toEqual([1, 2]);
    expect(counts(logits, 600, { topK: 2 })).toEqual([0, 200, 400, 0]);
  });

  it("seeded draws follow the distribution: chi-square below its 99.9 % quantile for seven kinds of settings", () => {
    const values = Float32Array.from({ length: 12 }, (_, id) => 1.7 * Math.sin(3 * id));
    const settings: SamplingOptions[] = [
      {},
      { temperature: 0.7 },
      { temperature: 1.6 },
      { topK: 5 },
      { topP: 0.8 },
      { temperature: 0.9, topK: 8 },
      { temperature: 1.3, topK: 9, topP: 0.85 },
    ];
    for (const [seed, options] of settings.entries()) {
      const uniform = uniforms({ seed, stream: "chi-square" });
      const draws = 20_000;
      const found = Array(values.length).fill(0);
      for (let i = 0; i < draws; i++) found[sampleToken(values, uniform(), options)]++;
      const expected = reference(values, options).map((p) => p * draws);
      expect(found.filter((count, id) => count > 0 && expected[id] === 0)).toEqual([]);
      const cells = expected.flatMap((mean, id) => (mean > 0 ? [(found[id] - mean) ** 2 / mean] : []));
      const chiSquare = cells.reduce((total, cell) => total + cell, 0);
      // Wilson and Hilferty's approximation of the quantile.
      const freedom = cells.length - 1;
      const quantile = freedom * (1 - 2 / (9 * freedom) + 3.09 * Math.sqrt(2 / (9 * freedom))) ** 3;
      expect(chiSquare, JSON.stringify(options)).toBeLessThan(quantile);
    }
  });

  it("is finite for logits of 1e4, never draws -Infinity, and refuses NaN", () => {
    expect(sampleToken(Float32Array.of(-1e4, 1e4, 0), 0.999999)).toBe(1);
    expect(drawn(Float32Array.of(-Infinity, 0, -Infinity, 0), { topK: 3 })).toEqual([1, 3]);
    expect(drawn(Float32Array.of(0, 30, 0), { temperature: 2e-4 })).toEqual([1]);
    for (const broken of [[0, Number.NaN], [Number.NaN, 0], [-Infinity], [Infinity, 0]])
      expect(() => sampleToken(Float32Array.from(broken), 0.5)).toThrow(expect.objectContaining({ code: "ERR_NON_FINITE" }));
  });
});

/** Probabilities by sorting ids, written from transformers' description of its warpers. */
function reference(values: Float32Array, { temperature = 1, topK = values.length, topP = 1 }: SamplingOptions): number[] {
  const softmax = (ids: number[]): Map<number, number> => {
    const total = ids.reduce((sum, id) => sum + Math.exp(values[id]! / temperature), 0);
    return new Map(ids.map((id) => [id, Math.exp(values[id]! / temperature) / total]));
  };
  const falling = [...values.keys()].sort((a, b) => values[b]! - values[a]!).slice(0, topK);
  const before = softmax(falling);
  let mass = 0;
  const kept = falling.filter((id) => {
    const isKept = mass < topP;
    mass += before.get(id)!;
    return isKept;
  });
  const after = softmax(kept);
  return Array.from(values, (_, id) => after.get(id) ?? 0);
}

describe("topTokens", () => {
  it("are the likeliest with their log-probabilities, the lower id first among equals", () => {
    const top = topTokens(logits, 3);
    expect(top.map(({ id }) => id)).toEqual([2, 1, 0]);
    for (const [i, p] of [4 / 8, 2 / 8, 1 / 8].entries()) expect(top[i]!.logp).toBeCloseTo(Math.log(p), 6);
    expect(topTokens(logits, 0)).toEqual([]);
    expect(topTokens(logits, 9).map(({ id }) => id)).toEqual([2, 1, 0, 3]);
  });
});
