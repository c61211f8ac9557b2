import { describe, expect, it } from "vitest";
import { permutation } from "./permutation.ts";

describe("permutation", () => {
  it.each([0, 1, 2, 7, 64, 257, 10_000])("of %i holds each number once", (n) => {
    expect([...permutation(n, 1, 2).toSorted()]).toEqual(Array.from({ length: n }, (_, i) => i));
  });

  it("is fixed by seed and epoch, and differs between them", () => {
    const text = (seed: number, epoch: number) => permutation(50, seed, epoch).join();
    expect(text(3, 1)).toBe(text(3, 1));
    expect(new Set([text(3, 1), text(3, 2), text(4, 1), text(1, 3)]).size).toBe(4);
  });

  it("gives each of the 24 orders of four equally often", () => {
    const counts = new Map<string, number>();
    const draws = 24_000;
    for (let epoch = 0; epoch < draws; epoch++) {
      const order = permutation(4, 9, epoch).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // 23 degrees of freedom: above 60 once in 30,000 seeds.
    expect(chiSquare).toBeLessThan(60);
  });

  it.each([-1, 1.5, 2 ** 32])("of %d is refused", (n) => {
    expect(() => permutation(n, 0, 0)).toThrow(RangeError);
  });
});
