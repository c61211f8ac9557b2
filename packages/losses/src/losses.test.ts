import { describe, expect, test } from "vitest";
import { randomPairs } from "./fixtures/batches.ts";
import {
  alphaPo,
  aot,
  apoZero,
  apoZeroUnpaired,
  bco,
  combine,
  conservativeDpo,
  cpo,
  dpo,
  exoPair,
  ipo,
  kto,
  lossByName,
  ncaPair,
  orpo,
  type PreferenceLoss,
  type RunningMean,
  reward,
  robust,
  sft,
  simpo,
  updateRunningMean,
} from "./index.ts";

const batch = randomPairs(7, 1);
const codeOf = (run: () => unknown): string | undefined => {
  try {
    run();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return undefined;
};

describe("values that follow from the equations", () => {
  test("with policy equal to reference the sigmoid loss is log 2 and all rewards are 0", () => {
    const { loss, chosenRewards, rejectedRewards } = dpo()({
      ...batch,
      chosenLogps: batch.refChosenLogps!,
      rejectedLogps: batch.refRejectedLogps!,
    });
    expect(loss).toBe(Math.LN2);
    expect([...chosenRewards, ...rejectedRewards].every((x) => x === 0)).toBe(true);
  });

  test("the gradient of a large right margin keeps its leading digits", () => {
    const one = (value: number) => Float64Array.of(value);
    const zero = { refChosenLogps: one(0), refRejectedLogps: one(0) };
    const { losses, chosenGrad } = dpo({ beta: 1 })({ chosenLogps: one(-1), rejectedLogps: one(-61), ...zero });
    expect(losses[0]! / Math.exp(-60)).toBeCloseTo(1, 12);
    expect(chosenGrad[0]! / -Math.exp(-60)).toBeCloseTo(1, 12);
  });

  test("conservative DPO is DPO and DPO with swapped answers, weighted by the flip probability", () => {
    const swapped = {
      chosenLogps: batch.rejectedLogps,
      rejectedLogps: batch.chosenLogps,
      refChosenLogps: batch.refRejectedLogps,
      refRejectedLogps: batch.refChosenLogps,
    };
    const expected = 0.8 * dpo()(batch).loss + 0.2 * dpo()(swapped).loss;
    expect(conservativeDpo({ labelSmoothing: 0.2 })(batch).loss).toBeCloseTo(expected, 13);
    const unbiased = (0.8 * dpo()(batch).loss - 0.2 * dpo()(swapped).loss) / 0.6;
    expect(robust({ labelSmoothing: 0.2 })(batch).loss).toBeCloseTo(unbiased, 13);
  });

  test("label smoothing has no effect on sigmoid, as in TRL 1.13", () => {
    expect(lossByName("sigmoid", { labelSmoothing: 0.3 })(batch)).toEqual(dpo()(batch));
  });

  test("AlphaPO tends to SimPO as alpha tends to 0", () => {
    const expected = simpo({ beta: 2, simpoGamma: 1 })(batch).loss;
    expect(alphaPo({ beta: 2, simpoGamma: 1, alpha: 1e-9 })(batch).loss).toBeCloseTo(expected, 7);
    expect(alphaPo({ beta: 2, simpoGamma: 1, alpha: 0 })(batch).loss).toBe(expected);
  });

  test("the supervised term of CPO and ORPO is a number of its own with a weight of its own", () => {
    const nll = sft()(batch).loss;
    const tokens = batch.chosenLengths!.reduce((sum, n) => sum + n, 0);
    expect(nll).toBeCloseTo(-batch.chosenLogps.reduce((sum, x) => sum + x, 0) / tokens, 12);
    const withTerm = cpo({ cpoAlpha: 0.5 })(batch);
    expect(withTerm.sftLoss).toBe(nll);
    expect(withTerm.loss).toBeCloseTo(cpo({ cpoAlpha: 0 })(batch).loss + 0.5 * nll, 12);
    expect(orpo()(batch).loss).toBeCloseTo(orpo({ sftWeight: 0 })(batch).loss + nll, 12);
    expect(orpo({ sftWeight: 0 })(batch).sftLoss).toBeUndefined();
  });

  test("aot does not depend on which rejected answer stands beside which chosen one in the reference", () => {
    const shuffled = {
      ...batch,
      refChosenLogps: batch.refChosenLogps!.toReversed(),
      refRejectedLogps: batch.refRejectedLogps!.toReversed(),
    };
    expect(aot()(shuffled).loss).toBe(aot()(batch).loss);
    expect(dpo()(shuffled).loss).not.toBe(dpo()(batch).loss);
  });

  test("a sum of losses has the sum of their gradients", () => {
    const parts = [dpo(), aot(), sft()];
    const sum = combine(parts, [0.5, 2, 3])(batch);
    const expected = parts.map((part) => part(batch).chosenGrad);
    sum.chosenGrad.forEach((gradient, i) => {
      expect(gradient).toBeCloseTo(0.5 * expected[0]![i]! + 2 * expected[1]![i]! + 3 * expected[2]![i]!, 13);
    });
  });

  test("unpaired APO-zero over both halves of the pairs is twice-averaged APO-zero", () => {
    const join = (a: Float64Array, b: Float64Array) => Float64Array.from([...a, ...b]);
    const logps = join(batch.chosenLogps, batch.rejectedLogps);
    const refLogps = join(batch.refChosenLogps!, batch.refRejectedLogps!);
    const labels = Array.from({ length: 14 }, (_, i) => i < 7);
    expect(2 * apoZeroUnpaired()({ logps, refLogps, labels }).loss).toBeCloseTo(apoZero()(batch).loss, 13);
    expect(kto()({ logps, refLogps, labels, kl: -3 }).loss).toBe(apoZeroUnpaired()({ logps, refLogps, labels }).loss);
  });

  test("BCO's shift is the running mean of all rewards, and the caller keeps the state", () => {
    const loss = bco({ beta: 0.5 });
    const inputs = [1, 2, 3].map((seed) => randomPairs(seed + 1, seed));
    const rewards: number[] = [];
    let running: RunningMean | undefined;
    for (const { chosenLogps, refChosenLogps } of inputs) {
      const output = loss({ logps: chosenLogps, refLogps: refChosenLogps!, labels: chosenLogps.map(() => 1), running });
      rewards.push(...output.rewards);
      running = output.running;
    }
    expect(running!.count).toBe(9);
    expect(running!.mean).toBeCloseTo(rewards.reduce((sum, x) => sum + x, 0) / 9, 13);
    expect(updateRunningMean(undefined, Float64Array.of(1, 2, 6))).toEqual({ mean: 3, count: 3 });
  });
});

test("a loss of one's own is a plain function", () => {
  const squaredMargin: PreferenceLoss = ({ chosenLogps, rejectedLogps }) => {
    const margins = chosenLogps.map((logp, i) => logp - rejectedLogps[i]!);
    const losses = margins.map((margin) => (margin - 1) ** 2);
    const chosenGrad = margins.map((margin) => (2 * (margin - 1)) / margins.length);
    const loss = losses.reduce((sum, x) => sum + x, 0) / losses.length;
    return {
      loss,
      losses,
      chosenGrad,
      rejectedGrad: chosenGrad.map((x) => -x),
      chosenRewards: chosenLogps,
      rejectedRewards: rejectedLogps,
    };
  };
  const builtIn = cpo({ lossType: "ipo", beta: 0.5, cpoAlpha: 0 });
  const ones = batch.chosenLogps.map(() => 1);
  const expected = builtIn({ ...batch, chosenLengths: ones, rejectedLengths: ones });
  expect(squaredMargin(batch).loss).toBeCloseTo(expected.loss, 9);
  expect(squaredMargin(batch).chosenGrad[3]).toBeCloseTo(expected.chosenGrad[3]!, 12);
});

describe("what a loss says about itself", () => {
  test.each([
    [dpo(), "sigmoid", true, false, true],
    [ipo(), "ipo", true, true, true],
    [aot(), "aot", true, false, false],
    [sft(), "sft", false, true, true],
    [simpo(), "simpo", false, true, true],
    [cpo({ cpoAlpha: 0 }), "cpo", false, false, true],
    [cpo(), "cpo", false, true, true],
    [orpo(), "orpo", false, true, true],
    [combine([dpo(), sft()]), "sigmoid+sft", true, true, true],
  ])("%o", (loss, name, needsReference, needsLengths, acceptsPairWeights) => {
    const described = [loss.name, loss.needsReference, loss.needsLengths, loss.acceptsPairWeights];
    expect(described).toEqual([name, needsReference, needsLengths, acceptsPairWeights]);
  });

  test("the WGSL does not depend on the values of the options", () => {
    expect(dpo({ beta: 0.5 }).wgsl).toBe(dpo({ beta: 0.01 }).wgsl);
    expect(dpo({ beta: 0.5 }).wgslOptions).toEqual([0.5]);
    expect(kto().wgslOptions[kto().wgslBatchOptions.kl!]).toBe(0);
  });
});

describe("errors name the loss, the place and the values", () => {
  test.each([
    [
      () => dpo()({ ...batch, refRejectedLogps: new Float64Array(6) }),
      "sigmoid: chosenLogps has 7 entries, refRejectedLogps has 6; all must be [B]",
    ],
    [() => dpo()({ chosenLogps: batch.chosenLogps, rejectedLogps: batch.rejectedLogps }), "sigmoid: refChosenLogps is missing"],
    [() => ipo()({ ...batch, chosenLengths: undefined }), "ipo: chosenLengths is missing"],
    [() => sft()({ ...batch, chosenLengths: batch.chosenLengths!.with(2, 0) }), "sft: chosenLengths[2] is 0"],
    [() => dpo()({ ...batch, rejectedLogps: batch.rejectedLogps.with(4, Number.NaN) }), "sigmoid: rejectedLogps[4] is NaN"],
    [
      () => dpo()({ ...batch, chosenLogps: batch.chosenLogps.with(0, Number.NEGATIVE_INFINITY) }),
      "sigmoid: chosenLogps[0] is -Infinity",
    ],
    [() => dpo()({ chosenLogps: new Float64Array(0), rejectedLogps: new Float64Array(0) }), "sigmoid: chosenLogps is empty"],
    [
      () => aot()({ ...batch, pairWeights: batch.chosenLengths }),
      "aot: pairWeights cannot be applied because this loss sorts its batch",
    ],
    [
      () => kto()({ logps: batch.chosenLogps, refLogps: batch.refChosenLogps!, labels: [true] }),
      "kto: logps has 7 entries, labels has 1",
    ],
    [
      () => reward()({ chosenRewards: Float64Array.of(1, Number.NaN), rejectedRewards: Float64Array.of(1, 2) }),
      "reward: chosenRewards[1] is NaN",
    ],
    [
      () => reward()({ chosenRewards: Float64Array.of(1), rejectedRewards: Float64Array.of(1), margins: Float64Array.of(0, 0) }),
      "reward: chosenRewards has 1 entries, margins has 2",
    ],
    [() => lossByName("simgoid"), 'lossByName: no loss is called "simgoid"; did you mean "sigmoid"?'],
    [() => lossByName("exo-pair"), 'did you mean "exo_pair"?'],
    [() => lossByName("toString"), 'lossByName: no loss is called "toString"'],
    [
      () => lossByName("sigmoid", { bta: 1 }),
      'sigmoid: option bta is unknown; this loss takes beta, labelSmoothing, fDivergenceType, fAlphaDivergenceCoef; did you mean "beta"?',
    ],
    [() => lossByName("hinge", { discopopTau: 0.2 }), "hinge: option discopopTau has no effect on this loss at 0.2"],
    [() => lossByName("sigmoid", { beta: 0 }), "sigmoid: beta is 0; must be above 0"],
    [() => lossByName("sigmoid", { beta: "0.1" }), 'sigmoid: beta is "0.1"; must be a finite number'],
    [() => robust({ labelSmoothing: 0.5 }), "robust: labelSmoothing is 0.5; must be below 0.5"],
    [() => exoPair({ labelSmoothing: 0 }), "exo_pair: labelSmoothing is 0; must be above 0"],
    [
      () => lossByName("sigmoid", { fDivergenceType: "js" }),
      'sigmoid: fDivergenceType is "js"; must be one of reverse_kl, forward_kl, js_divergence, alpha_divergence',
    ],
    [() => dpo({ fAlphaDivergenceCoef: 0.3 }), 'sigmoid: fAlphaDivergenceCoef is 0.3 but fDivergenceType is "reverse_kl"'],
    [
      () => lossByName("nca_pair", { fDivergenceType: "js_divergence" }),
      "nca_pair: option fDivergenceType has no effect on this loss",
    ],
    [
      () => lossByName(["sigmoid", "apo_down"], { fDivergenceType: "js_divergence" }),
      "apo_down: option fDivergenceType has no effect",
    ],
    [() => lossByName(["exo_pair", "robust"], { labelSmoothing: 0.6 }), "robust: labelSmoothing is 0.6; must be below 0.5"],
    [() => lossByName(["sigmoid", "hinge"], { lossWeights: [1] }), "combine: 2 losses but 1 lossWeights"],
    [() => lossByName(["sigmoid", "kto"]), "combine: losses[1] is not a paired loss"],
    [() => lossByName("sigmoid", { lossWeights: [1, 2] }), "combine: 1 losses but 2 lossWeights"],
    [() => ncaPair({ beta: Number.NaN }), "nca_pair: beta is NaN; must be a finite number"],
  ])("%#: %s", (run, message) => {
    expect(run).toThrow(message);
    expect(codeOf(run)).toMatch(/^LOSS_/);
  });

  test("bad input is a TypeError where it is missing, a RangeError where its value is wrong", () => {
    expect(() => dpo()({ chosenLogps: batch.chosenLogps, rejectedLogps: batch.rejectedLogps })).toThrow(TypeError);
    expect(() => dpo()({ ...batch, chosenLogps: batch.chosenLogps.with(0, Number.NaN) })).toThrow(RangeError);
  });
});

describe("lossByName", () => {
  test("takes TRL's spelling, the factory's own, and settings that TRL hands to every loss", () => {
    const settings = { beta: 0.3, labelSmoothing: 0, fDivergenceType: "reverse_kl", discopopTau: 0.05, lossWeights: undefined };
    for (const name of ["nca_pair", "ncaPair"]) expect(lossByName(name, settings).name).toBe("nca_pair");
    expect(lossByName(["dpo"])(batch)).toEqual(lossByName("sigmoid")(batch));
  });

  test("gives each loss of a sum the options that it takes", () => {
    const sum = lossByName(["sigmoid", "discopop"], { beta: 0.2, discopopTau: 0.3, lossWeights: [1, 2] });
    const expected =
      lossByName("sigmoid", { beta: 0.2 })(batch).loss + 2 * lossByName("discopop", { beta: 0.2, discopopTau: 0.3 })(batch).loss;
    expect(sum(batch).loss).toBeCloseTo(expected, 13);
    expect(() => lossByName(["sigmoid", "hinge"], { discopopTau: 0.3 })).toThrow("discopopTau");
  });
});
