import { describe, expect, it } from "vitest";
import { philox } from "./philox.ts";
import { normals, uniforms, words } from "./random-stream.ts";

const draw = (next: () => number, count: number) => Array.from({ length: count }, next);

describe("philox", () => {
  // The three known answers that the authors publish with their implementation (Random123).
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [Array(4).fill(0xffffffff), Array(2).fill(0xffffffff), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])("the known answer of counter %j", (counter, key, expected) => {
    expect(philox(counter, key)).toEqual(expected);
  });
});

describe("streams", () => {
  it.each([0, 1, 3, 4, 5, 63])("skipping %i numbers gives what comes after them", (offset) => {
    for (const kind of [words, uniforms, normals]) {
      const whole = draw(kind({ seed: 5, stream: "s" }), 80);
      expect(draw(kind({ seed: 5, stream: "s", offset }), 80 - offset)).toEqual(whole.slice(offset));
    }
  });

  it("seed, stream and the seed's upper half all matter", () => {
    const first = (seed: number, stream: string) => draw(words({ seed, stream }), 4).join();
    const all = [first(0, "a"), first(1, "a"), first(0, "b"), first(2 ** 32, "a"), first(0, "")];
    expect(new Set(all).size).toBe(5);
  });

  it("normal numbers have the moments and tails of the normal distribution", () => {
    const n = 200_000;
    const sample = draw(normals({ seed: 11, stream: "moments" }), n);
    const moment = (power: number) => sample.reduce((sum, x) => sum + x ** power, 0) / n;
    // Four standard errors each.
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
    expect(sample.every(Number.isFinite)).toBe(true);
    const neighbours = sample.reduce((sum, x, i) => sum + x * (sample[i + 1] ?? 0), 0) / n;
    expect(Math.abs(neighbours)).toBeLessThan(4 / Math.sqrt(n));
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 60])("%d is no seed", (seed) => {
    expect(() => words({ seed, stream: "" })).toThrow(RangeError);
  });
});
