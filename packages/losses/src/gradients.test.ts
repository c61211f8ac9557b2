import { describe, expect, test } from "vitest";
import { pairWithMargin, randomNumbers, randomPairs } from "./fixtures/batches.ts";
import {
  combine,
  lossByName,
  type PreferenceLogps,
  type PreferenceLoss,
  pairedLosses,
  reward,
  type UnpairedLogps,
  unpairedLosses,
} from "./index.ts";

const divergences = ["forward_kl", "js_divergence", "alpha_divergence"] as const;
const losses: { title: string; loss: PreferenceLoss }[] = [
  ...Object.entries(pairedLosses).map(([title, factory]) => ({ title, loss: factory() })),
  ...divergences.map((fDivergenceType) => ({ title: fDivergenceType, loss: pairedLosses.sigmoid({ fDivergenceType }) })),
  ...divergences.map((fDivergenceType) => ({ title: `ipo ${fDivergenceType}`, loss: pairedLosses.ipo({ fDivergenceType }) })),
  { title: "aot with smoothing", loss: pairedLosses.aot({ labelSmoothing: 0.2 }) },
  { title: "cpo hinge", loss: pairedLosses.cpo({ lossType: "hinge", cpoAlpha: 0.3 }) },
  { title: "cpo ipo", loss: pairedLosses.cpo({ lossType: "ipo" }) },
  { title: "alpha_po with a supervised term", loss: pairedLosses.alpha_po({ cpoAlpha: 0.7, labelSmoothing: 0.1 }) },
  { title: "MPO", loss: lossByName(["sigmoid", "bco_pair", "sft"], { lossWeights: [0.8, 0.2, 1] }) },
  {
    title: "sums with sorted terms",
    loss: combine([pairedLosses.aot(), pairedLosses.aot_unpaired(), pairedLosses.sft()], [1, 0.5, 2]),
  },
];

/** d f / d x[i] by fourth-order central differences. */
function slope(f: () => number, x: Float64Array, i: number): number {
  const at = x[i]!;
  const h = 1e-3;
  const values = [1, -1, 2, -2].map((k) => {
    x[i] = at + k * h;
    return f();
  });
  x[i] = at;
  return (8 * (values[0]! - values[1]!) - (values[2]! - values[3]!)) / (12 * h);
}

function expectGradient(f: () => number, x: Float64Array, gradient: Float64Array): void {
  const value = f();
  // What rounding of the loss and of x leaves to the difference quotient.
  const noise = 1e-11 * (1 + Math.abs(value));
  for (let i = 0; i < x.length; i++) {
    expect(Math.abs(slope(f, x, i) - gradient[i]!), `entry ${i}`).toBeLessThanOrEqual(noise + 1e-7 * Math.abs(gradient[i]!));
  }
}

function expectPairedGradient(loss: PreferenceLoss, batch: PreferenceLogps): void {
  const { chosenGrad, rejectedGrad } = loss(batch);
  expectGradient(() => loss(batch).loss, batch.chosenLogps, chosenGrad);
  expectGradient(() => loss(batch).loss, batch.rejectedLogps, rejectedGrad);
}

describe.each(losses)("$title", ({ loss }) => {
  test.each([-300, -31.7, -1.3, 0.4, 2.9, 30.3, 300])("gradient equals finite differences at margin %f", (margin) => {
    expectPairedGradient(loss, pairWithMargin(margin));
  });

  test.each([1, 7])("gradient equals finite differences with %i pairs", (size) => {
    expectPairedGradient(loss, randomPairs(size, 11 + size));
  });

  test("the mean of losses is loss, and losses do not change their input", () => {
    const batch = randomPairs(7, 5);
    const before = structuredClone(batch);
    const { loss: mean, losses: entries } = loss(batch);
    expect(entries.reduce((sum, x) => sum + x, 0) / 7).toBeCloseTo(mean, 12);
    expect(batch).toEqual(before);
  });

  test("stays finite at margins of 700 and log-probabilities of -1e4", () => {
    const one = (value: number) => Float64Array.of(value);
    const lengths = { chosenLengths: one(9), rejectedLengths: one(11) };
    for (const [chosen, rejected] of [
      [-1e4, -20],
      [-20, -1e4],
      [-1e4, -1e4],
      [-1, -701],
      [-701, -1],
      [-1e-9, -1e-9],
      [0, 0],
    ]) {
      const batch = {
        chosenLogps: one(chosen!),
        rejectedLogps: one(rejected!),
        refChosenLogps: one(-20),
        refRejectedLogps: one(-20),
      };
      const { loss: value, chosenGrad, rejectedGrad, chosenRewards, rejectedRewards } = loss({ ...batch, ...lengths });
      const squaresExponentials = loss.name === "ipo" && value === Number.POSITIVE_INFINITY;
      if (squaresExponentials) continue;
      for (const number of [value, ...chosenGrad, ...rejectedGrad, ...chosenRewards, ...rejectedRewards]) {
        expect(Number.isFinite(number), `${number} at chosen ${chosen}, rejected ${rejected}`).toBe(true);
      }
    }
  });
});

test.each(losses.filter(({ loss }) => loss.acceptsPairWeights))(
  "$title: gradient with pair weights equals finite differences",
  ({ loss }) => {
    const pairWeights = Float64Array.of(0.2, 1.7, 0, 0.9, 0.4);
    expectPairedGradient(loss, { ...randomPairs(5, 3), pairWeights });
  },
);

describe.each(Object.entries(unpairedLosses))("%s", (name, factory) => {
  test.each([1, 7])("gradient equals finite differences with %i completions", (size) => {
    const { chosenLogps: logps, refChosenLogps } = randomPairs(size, 23);
    const labels = Array.from({ length: size }, (_, i) => i % 3 !== 1);
    const batch: UnpairedLogps = { logps, refLogps: refChosenLogps!, labels, kl: 0.8, delta: -0.3 };
    const loss = factory({ beta: 0.2 });
    expect(loss.name).toBe(name);
    expectGradient(() => loss(batch).loss, logps, loss(batch).grad);
  });
});

test("reward: gradient equals finite differences with margins and centering", () => {
  const random = randomNumbers(9);
  const scores = () => Float64Array.from({ length: 7 }, () => 6 * random() - 3);
  const batch = { chosenRewards: scores(), rejectedRewards: scores(), margins: scores() };
  const loss = reward({ centerRewardsCoefficient: 0.05 });
  expectGradient(() => loss(batch).loss, batch.chosenRewards, loss(batch).chosenGrad);
  expectGradient(() => loss(batch).loss, batch.rejectedRewards, loss(batch).rejectedGrad);
});
