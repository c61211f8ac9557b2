import { describe, expect, it } from "vitest";
import { normals } from "../../testing/numbers.ts";
import { dequantizeNf4, NF4_LEVELS, quantizeNf4 } from "./nf4.ts";

const roundTrip = (values: Float32Array): Float32Array => dequantizeNf4(quantizeNf4(values), values.length);

describe("NF4", () => {
  it("keeps every level of a block exactly, in its place", () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => NF4_LEVELS[(i * 5) % 16]! * 0.5);
    expect(roundTrip(values)).toEqual(values);
    const { codes } = quantizeNf4(Float32Array.of(0, 1, -1));
    expect(codes[0]).toBe(0x0f7 & 0xfff);
  });

  it("rounds each element to the nearest level, whatever the block", () => {
    const values = normals(64 * 7 + 13, 1, 0.02);
    const { scales } = quantizeNf4(values);
    const result = roundTrip(values);
    const largest = Array.from({ length: 8 }, (_, block) =>
      Math.max(...values.slice(block * 64, (block + 1) * 64).map(Math.abs)),
    );
    expect(scales.length).toBe(8);
    values.forEach((value, i) => {
      const scale = largest[Math.floor(i / 64)]!;
      const nearest = Math.min(...NF4_LEVELS.map((level) => Math.abs(level * scale - value)));
      // The scale is a half float, so it is off by up to 2^-11 of itself.
      expect(Math.abs(result[i]! - value), `element ${i}`).toBeLessThanOrEqual(nearest + scale * 2 ** -11);
    });
  });

  it("gives zeros for a block of zeros, and keeps signs", () => {
    expect(roundTrip(new Float32Array(70))).toEqual(new Float32Array(70));
    expect(roundTrip(Float32Array.of(-3, 0.001, 3))).toEqual(Float32Array.of(-3, 0, 3));
  });

  it("refuses what a half float's scale cannot hold", () => {
    expect(() => quantizeNf4(Float32Array.of(0, Number.NaN))).toThrow("element 1 is NaN");
    expect(() => quantizeNf4(Float32Array.of(70_000))).toThrow("element 0 is 70000");
    expect(roundTrip(Float32Array.of(65_504))).toEqual(Float32Array.of(65_504));
  });
});
