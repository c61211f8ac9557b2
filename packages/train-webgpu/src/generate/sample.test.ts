import { describe, expect, it } from "vitest";
import { sampleToken } from "./sample.ts";

const logits = Float32Array.of(0, Math.log(2), Math.log(4), Math.log(1));

describe("sampleToken", () => {
  it("temperature 0 takes the largest logit, the first where two are equal", () => {
    expect(sampleToken(logits, 0.99, { temperature: 0 })).toBe(2);
    expect(sampleToken(Float32Array.of(1, 3, 3), 0.5, { temperature: 0 })).toBe(1);
  });

  it("draws in proportion to exp(logit / temperature)", () => {
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 8000; i++) counts[sampleToken(logits, (i + 0.5) / 8000)]!++;
    expect(counts).toEqual([1000, 2000, 4000, 1000]);
    const cold = [0, 0, 0, 0];
    for (let i = 0; i < 2200; i++) cold[sampleToken(logits, (i + 0.5) / 2200, { temperature: 0.5 })]!++;
    expect(cold).toEqual([100, 400, 1600, 100]);
  });

  it("top-k and top-p keep the likeliest tokens", () => {
    const seen = (options: object): Set<number> =>
      new Set(Array.from({ length: 500 }, (_, i) => sampleToken(logits, (i + 0.5) / 500, options)));
    expect(seen({ topK: 1 })).toEqual(new Set([2]));
    expect(seen({ topK: 2 })).toEqual(new Set([1, 2]));
    expect(seen({ topP: 0.5 })).toEqual(new Set([2]));
    expect(seen({ topP: 0.6 })).toEqual(new Set([1, 2]));
    expect(seen({ topK: 4, topP: 1 })).toEqual(new Set([0, 1, 2, 3]));
  });

  it("is finite for logits of 1e4", () => {
    expect(sampleToken(Float32Array.of(-1e4, 1e4, 0), 0.999999)).toBe(1);
  });
});
