import { expect, test } from "vitest";
import { cpythonRandom } from "../random/cpython-random.ts";
import { preferenceAccuracy } from "./preference-accuracy.ts";

test("ties count as wrong, margins average, groups split by source and length", () => {
  const result = preferenceAccuracy([
    { chosen_reward: 1, rejected_reward: -1, source: "x", chosen_length: 9, rejected_length: 3 },
    { chosen_reward: 0, rejected_reward: 0, source: "x", chosen_length: 2, rejected_length: 3 },
    { chosen_reward: -1, rejected_reward: 1, source: "y", chosen_length: 5, rejected_length: 3 },
    { chosen_reward: 2, rejected_reward: 0, source: "y", chosen_length: 3, rejected_length: 3 },
  ]);
  expect(result).toMatchObject({ n: 4, accuracy: 0.5, ties: 1, margin: 0.5, "rewards/chosen": 0.5, "rewards/rejected": 0 });
  expect(result.by_source.map(({ name, accuracy }) => [name, accuracy])).toEqual([
    ["x", 0.5],
    ["y", 0.5],
  ]);
  expect(result.by_length.map(({ name, n }) => [name, n])).toEqual([
    ["chosen is longer", 2],
    ["chosen is shorter", 1],
    ["same length", 1],
  ]);
  expect(result.longer_is_better).toBeCloseTo(2 / 3, 12);
});

test("an untrained reward has log loss log 2, brier 1/4 and no calibration error", () => {
  const { calibration } = preferenceAccuracy(Array.from({ length: 7 }, () => ({ chosen_reward: 0.3, rejected_reward: 0.3 })));
  expect(calibration.log_loss).toBeCloseTo(Math.LN2, 14);
  expect(calibration.brier).toBeCloseTo(0.25, 14);
  expect(calibration.expected_calibration_error).toBe(0);
});

test("rewards that obey Bradley-Terry are calibrated, tripled ones overconfident", () => {
  const rng = cpythonRandom(1);
  const margins = Array.from({ length: 20000 }, () => {
    const size = 4 * rng.random();
    return rng.random() < 1 / (1 + Math.exp(-size)) ? size : -size;
  });
  const errorAt = (scale: number) =>
    preferenceAccuracy(margins.map((m) => ({ chosen_reward: scale * m, rejected_reward: 0 }))).calibration
      .expected_calibration_error;
  expect(errorAt(1)).toBeLessThan(0.01);
  expect(errorAt(3)).toBeGreaterThan(0.1);
});

test("extreme margins stay finite, absent rewards are refused", () => {
  const far = preferenceAccuracy([{ chosen_reward: -900, rejected_reward: 900 }]);
  expect(far.calibration.log_loss).toBe(1800);
  expect(far).toMatchObject({ accuracy: 0, margin: -1800, margin_ci: null, accuracy_ci: [0, 1] });
  expect(() => preferenceAccuracy([])).toThrow(/no pairs/);
  expect(() => preferenceAccuracy([{ chosen_reward: Number.NaN, rejected_reward: 0 }])).toThrow(/row 0 has chosen_reward NaN/);
});
