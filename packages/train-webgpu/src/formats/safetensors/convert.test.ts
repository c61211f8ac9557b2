import { describe, expect, it } from "vitest";
import { fromFloat32, toFloat32 } from "./convert.ts";

const allHalves = () => new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer);

/** The value of a half by its definition, in plain arithmetic. */
function halfValue(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

describe("toFloat32 and fromFloat32", () => {
  it("every half has the value of its definition, and comes back as the same bits", () => {
    const values = toFloat32(allHalves(), "F16");
    const wrong = [...values].findIndex((value, half) => !Object.is(value, halfValue(half)));
    expect(wrong).toBe(-1);
    const back = new Uint16Array(fromFloat32(values, "F16").buffer);
    expect(back.findIndex((bits, half) => bits !== half && !Number.isNaN(values[half]))).toBe(-1);
    expect(back.every((bits, half) => !Number.isNaN(values[half]) || Number.isNaN(halfValue(bits)))).toBe(true);
  });

  it("every bf16 is the upper half of its float32, and comes back as the same bits", () => {
    const values = toFloat32(allHalves(), "BF16");
    const bits = new Uint32Array(values.buffer);
    expect(bits.findIndex((b, i) => b !== i * 65536)).toBe(-1);
    const back = new Uint16Array(fromFloat32(values, "BF16").buffer);
    expect(back.findIndex((b, i) => b !== i && !Number.isNaN(values[i]))).toBe(-1);
    expect(back.every((b, i) => !Number.isNaN(values[i]) || (b & 0x7fff) > 0x7f80)).toBe(true);
  });

  it.each([
    ["F16", 1 + 2 ** -11, 1],
    ["F16", 1 + 3 * 2 ** -11, 1 + 2 ** -9],
    ["F16", 1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
    ["F16", 65519, 65504],
    ["F16", 65520, Number.POSITIVE_INFINITY],
    ["F16", -1e30, Number.NEGATIVE_INFINITY],
    ["F16", 2 ** -25, 0],
    ["F16", 2 ** -25 * 1.001, 2 ** -24],
    ["F16", 3 * 2 ** -25, 2 ** -23],
    ["F16", 1023.5 * 2 ** -24, 2 ** -14],
    ["F16", -(2 ** -40), -0],
    ["BF16", 1 + 2 ** -8, 1],
    ["BF16", 1 + 3 * 2 ** -8, 1 + 2 ** -6],
    ["BF16", 3.4028234663852886e38, Number.POSITIVE_INFINITY],
    ["BF16", -1e-45, -0],
  ] as const)("%s rounds %d to nearest, ties to even: %d", (dtype, value, expected) => {
    expect(toFloat32(fromFloat32(new Float32Array([value]), dtype), dtype)[0]).toBe(expected);
  });

  it("bytes at an odd address are read, and the input is not aliased", () => {
    const bytes = new Uint8Array(9);
    bytes.set(new Uint8Array(Float32Array.of(1.5, -2).buffer), 1);
    const values = toFloat32(bytes.subarray(1), "F32");
    bytes.fill(255);
    expect([...values]).toEqual([1.5, -2]);
  });

  it("half an element, and types that are no weights, are refused", () => {
    expect(() => toFloat32(new Uint8Array(6), "F32")).toThrow(/whole number/);
    expect(() => toFloat32(new Uint8Array(3), "BF16")).toThrow(expect.objectContaining({ code: "ERR_SAFETENSORS" }));
    expect(() => toFloat32(new Uint8Array(8), "I64")).toThrow(/I64/);
  });
});
