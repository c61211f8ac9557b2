import { expect } from "vitest";

/** Normally distributed numbers from a seed, with a few outliers, as activations have them. */
export function normals(length: number, seed: number, scale = 1): Float32Array<ArrayBuffer> {
  let state = (seed * 2654435761 + 12345) >>> 0;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 4294967296;
  };
  return Float32Array.from({ length }, (_, i) => {
    const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    return normal * scale * (i % 97 === 96 ? 8 : 1);
  });
}

/** Fails with the worst entry where |actual - expected| > bound * max(0.1, max |expected|): rounding is relative to what was summed. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, bound: number, name = "array"): void {
  expect(actual.length, `${name}: length`).toBe(expected.length);
  let largest = 0.1;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= Math.abs(actual[worst]! - expected[worst]!))) worst = i;
  }
  const difference = Math.abs(actual[worst]! - expected[worst]!) / largest;
  expect(
    difference,
    `${name}[${worst}] is ${actual[worst]}, expected ${expected[worst]} (largest ${largest})`,
  ).toBeLessThanOrEqual(bound);
}

/** Central differences of a scalar function at x, one entry at a time, in float64. */
export function finiteDifferences(
  f: (x: Float64Array) => number,
  x: ArrayLike<number>,
  entries: number[],
  step = 1e-5,
): number[] {
  return entries.map((index) => {
    const at = (delta: number): number => {
      const moved = Float64Array.from(x);
      moved[index]! += delta;
      return f(moved);
    };
    return (at(step) - at(-step)) / (2 * step);
  });
}
