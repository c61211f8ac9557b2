import { aot, type BuiltInPreferenceLoss, dpo, hinge, ipo, type PreferenceLogps, sigmoidNorm } from "@zephyr/losses";
import { describe, expect, it } from "vitest";
import type { Device } from "../../device/request-device.ts";
import { createExecutor } from "../../plan/executor.ts";
import { createTape } from "../../plan/tape.ts";
import { read, write } from "../../plan/upload.ts";
import { deviceOrSkip } from "../../testing/device.ts";
import { expectClose, normals } from "../../testing/numbers.ts";
import { noSizes, tensor } from "../../testing/tape.ts";
import { preferenceLoss } from "./preference-loss.ts";

type Column = Float32Array<ArrayBuffer>;

/** B pairs as the device holds them: the chosen sequences, then the rejected ones. */
interface Pairs {
  /** [2B] summed log-probabilities, nats. */
  logps: Column;
  referenceLogps: Column;
  lengths: Column;
  pairWeights: Column;
}

function somePairs(pairs: number, scale = 10): Pairs {
  return {
    logps: normals(2 * pairs, 1, scale).map((value) => value - 5 * scale),
    referenceLogps: normals(2 * pairs, 2, scale).map((value) => value - 5 * scale),
    lengths: Float32Array.from({ length: 2 * pairs }, (_, i) => 1 + ((i * 13) % 50)),
    pairWeights: new Float32Array(pairs).fill(1),
  };
}

/** [2B] gradients and [B, 4] results on the device; results start as -1, so that an unwritten one shows. */
async function onDevice(
  device: Device,
  loss: BuiltInPreferenceLoss,
  pairs: Pairs,
  lossScale = 1,
  count = pairs.logps.length / 2,
) {
  const size = pairs.logps.length;
  const sums = Float32Array.from({ length: size * 4 }, (_, i) => (i % 4 === 0 ? pairs.logps[i / 4]! : 1e6 + i));
  const options = new Float32Array(16);
  options.set(loss.wgslOptions);
  const tensors = {
    sums: tensor(device, "sums", sums),
    referenceLogps: tensor(device, "reference", pairs.referenceLogps),
    lengths: tensor(device, "lengths", pairs.lengths),
    pairWeights: tensor(device, "weights", pairs.pairWeights),
    options: tensor(device, "options", options),
    sequenceGradient: tensor(device, "gradient", new Float32Array(size).fill(-1)),
    pairResults: tensor(device, "results", new Float32Array(size * 2).fill(-1)),
  };
  const tape = createTape();
  preferenceLoss(tape, loss, tensors, size / 2);
  using executor = await createExecutor(device, { all: tape.dispatches });
  // Run twice, after another batch: nothing may be left over in the scratch.
  write(
    device,
    tensors.sums,
    sums.map((value) => value / 2),
  );
  executor.run("all", { ...noSizes, pairs: count, lossScale });
  write(device, tensors.sums, sums);
  executor.run("all", { ...noSizes, pairs: count, lossScale });
  const [gradient, results] = await read(device, [
    { tensor: tensors.sequenceGradient, length: size },
    { tensor: tensors.pairResults, length: size * 2 },
  ]);
  return { gradient: gradient!, results: results! };
}

function onHost(loss: BuiltInPreferenceLoss, { logps, referenceLogps, lengths, pairWeights }: Pairs) {
  const half = (column: Column, index: number): Float64Array =>
    Float64Array.from(column.slice((index * column.length) / 2, ((index + 1) * column.length) / 2));
  const inputs: PreferenceLogps = {
    chosenLogps: half(logps, 0),
    rejectedLogps: half(logps, 1),
    refChosenLogps: half(referenceLogps, 0),
    refRejectedLogps: half(referenceLogps, 1),
    chosenLengths: half(lengths, 0),
    rejectedLengths: half(lengths, 1),
    ...(loss.acceptsPairWeights && { pairWeights: Float64Array.from(pairWeights) }),
  };
  const { losses, chosenRewards, rejectedRewards, chosenGrad, rejectedGrad } = loss(inputs);
  return {
    gradient: [...chosenGrad, ...rejectedGrad],
    results: [...losses].flatMap((value, i) => [value, chosenRewards[i]!, rejectedRewards[i]!, 0]),
  };
}

const column = (results: ArrayLike<number>, at: number): number[] => Array.from(results).filter((_, i) => i % 4 === at);

function expectSame(actual: { gradient: Column; results: Column }, expected: ReturnType<typeof onHost>, lossScale = 1): void {
  const unscaled = actual.gradient.map((value) => value / lossScale);
  expectClose(unscaled, expected.gradient, 1e-6, "gradient");
  ["loss", "chosen reward", "rejected reward", "unused"].forEach((name, at) => {
    expectClose(column(actual.results, at), column(expected.results, at), 2e-6, name);
  });
}

const losses: [string, BuiltInPreferenceLoss][] = [
  ["dpo", dpo({ beta: 0.3 })],
  ["ipo", ipo({ beta: 0.05 })],
  ["hinge", hinge({ beta: 0.05 })],
  ["aot", aot({ beta: 0.1, labelSmoothing: 0.2 })],
  ["sigmoidNorm", sigmoidNorm({ beta: 0.3 })],
];

describe("preference-loss", () => {
  for (const [name, loss] of losses) {
    for (const pairs of [1, 7, 65]) {
      it(`${name} equals its TypeScript function on ${pairs} pairs, and scales the gradient alone`, async (context) => {
        const device = await deviceOrSkip(context);
        const data = somePairs(pairs);
        const expected = onHost(loss, data);
        expect(Math.max(...expected.gradient.map(Math.abs))).toBeGreaterThan(1e-4);
        expectSame(await onDevice(device, loss, data), expected);
        expectSame(await onDevice(device, loss, data, 0.25), expected, 0.25);
      });
    }

    it(`${name} stays finite and equal at log-probabilities of -1e4`, async (context) => {
      const device = await deviceOrSkip(context);
      const data = somePairs(7, 2000);
      const actual = await onDevice(device, loss, data);
      expectSame(actual, onHost(loss, data));
      expect([...actual.gradient, ...actual.results].every(Number.isFinite)).toBe(true);
    });
  }

  it("weights every pair by its own weight", async (context) => {
    const device = await deviceOrSkip(context);
    const data = { ...somePairs(7), pairWeights: Float32Array.of(0, 0.5, 1, 2, 0.25, 3, 0.125) };
    expectSame(await onDevice(device, dpo({ beta: 0.1 }), data), onHost(dpo({ beta: 0.1 }), data));
  });

  it("keeps the order of equal margins where aot sorts", async (context) => {
    const device = await deviceOrSkip(context);
    const data = somePairs(4);
    data.logps.set([-10, -12, -10, -20, -15, -17, -15, -10]);
    data.referenceLogps.set([-8, -9, -9, -8, -10, -11, -10, -10]);
    expectSame(await onDevice(device, aot({ beta: 0.5 }), data), onHost(aot({ beta: 0.5 }), data));
  });

  it("is log 2 with rewards of exactly 0 where policy and reference agree", async (context) => {
    const device = await deviceOrSkip(context);
    const data = somePairs(7);
    const { gradient, results } = await onDevice(device, dpo({ beta: 0.1 }), { ...data, referenceLogps: data.logps });
    expectClose(column(results, 0), new Array(7).fill(Math.LN2), 1e-6);
    expect([...column(results, 1), ...column(results, 2)]).toEqual(new Array(14).fill(0));
    expectClose(gradient, [...new Array(7).fill(-0.05 / 7), ...new Array(7).fill(0.05 / 7)], 1e-7);
  });

  it("writes only the pairs of a batch smaller than its capacity, and nothing for none", async (context) => {
    const device = await deviceOrSkip(context);
    const data = somePairs(7);
    const none = await onDevice(device, dpo({ beta: 0.1 }), data, 1, 0);
    expect([...none.gradient, ...none.results]).toEqual(new Array(14 + 28).fill(-1));
    const two = await onDevice(device, dpo({ beta: 0.1 }), data, 1, 2);
    const first = (values: Column): Column => values.slice(0, 4);
    const packed = {
      logps: first(data.logps),
      referenceLogps: first(data.referenceLogps),
      lengths: first(data.lengths),
      pairWeights: data.pairWeights.slice(0, 2),
    };
    expectSame({ gradient: first(two.gradient), results: two.results.slice(0, 8) }, onHost(dpo({ beta: 0.1 }), packed));
    expect([...two.gradient.slice(4), ...two.results.slice(8)]).toEqual(new Array(10 + 20).fill(-1));
  });
});
