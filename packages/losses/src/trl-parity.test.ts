import { describe, expect, test } from "vitest";
import { dpoCases, modelCases, referenceFreeCases, relativeError, rewardCases, unpairedCases } from "./fixtures/trl-cases.ts";

function expectClose(actual: object, expected: object, tolerance: number): void {
  expect(Object.keys(expected).length).toBeGreaterThan(0);
  for (const [key, value] of Object.entries(expected)) {
    const error = relativeError(actual[key as keyof typeof actual], value as number[]);
    expect(error, `${key}, relative to its largest entry`).toBeLessThanOrEqual(tolerance);
  }
}

describe("equal to TRL 1.13 in float64", () => {
  test.each([...dpoCases(), ...modelCases(false), ...referenceFreeCases()])("$title", ({ loss, batch, expected, tolerance }) => {
    expectClose(loss(batch), expected, tolerance);
  });

  test.each(unpairedCases())("$title", ({ loss, batch, expected }) => {
    expectClose(loss(batch), expected, 1e-12);
  });

  test.each(rewardCases())("$title", ({ loss, batch, expected }) => {
    expectClose(loss(batch), expected, 1e-12);
  });
});

test("pair weights multiply losses as in TRL's use_weighting", () => {
  const [sigmoid, bcoPair] = modelCases(true);
  const unweighted = sigmoid!.loss(sigmoid!.batch).losses;
  const pairWeights = unweighted.map((loss, i) => sigmoid!.expected.losses![i]! / loss);
  expect(Math.max(...pairWeights)).toBeLessThan(0.1);
  expectClose(bcoPair!.loss({ ...bcoPair!.batch, pairWeights }), bcoPair!.expected, 1e-12);
});
