import { beforeAll, describe, expect, test } from "vitest";
import { pairWithMargin, randomPairs } from "../../packages/losses/src/fixtures/batches.ts";
import {
  dpoCases,
  modelCases,
  referenceFreeCases,
  relativeError,
  rewardCases,
  unpairedCases,
} from "../../packages/losses/src/fixtures/trl-cases.ts";
import {
  aot,
  aotUnpaired,
  type BuiltInPreferenceLoss,
  bco,
  combine,
  conservativeDpo,
  discopop,
  dpo,
  orpo,
  type PreferenceLogps,
  sft,
  type UnpairedLoss,
} from "../../packages/losses/src/index.ts";
import { openTwins, type Twins } from "./run-twin.ts";

/** float32 against float64, relative to the largest entry of the array. */
const TOLERANCE = 1e-5;
const NO_ADAPTER = "no WebGPU adapter on this machine";

let twins: Twins | null = null;
beforeAll(async () => {
  twins = await openTwins();
});

function expectClose(actual: object, expected: object): void {
  expect(Object.keys(expected).length).toBeGreaterThan(0);
  for (const [key, value] of Object.entries(expected)) {
    const error = relativeError(actual[key as keyof typeof actual], value as number[]);
    expect(error, `${key}, relative to its largest entry`).toBeLessThanOrEqual(TOLERANCE);
  }
}

describe("the WGSL twin equals TRL 1.13", () => {
  test.for([...dpoCases(), ...modelCases(false), ...referenceFreeCases()])(
    "$title",
    async ({ loss, batch, expected }, { skip }) => {
      if (twins === null) return skip(NO_ADAPTER);
      expectClose(await twins.paired(loss, batch), expected);
    },
  );

  test.for(unpairedCases())("$title", async ({ loss, batch, expected }, { skip }) => {
    if (twins === null) return skip(NO_ADAPTER);
    // BCO's case gives its shift: a mean that a count beyond all batches keeps where it is.
    const perBatch = { kl: batch.kl ?? 0, runningMean: batch.delta ?? 0, runningCount: 1e30 };
    expectClose(await twins.unpaired(loss, withBatchOptions(loss, perBatch), batch), expected);
  });

  test.for(rewardCases())("$title", async ({ loss, batch, expected }, { skip }) => {
    if (twins === null) return skip(NO_ADAPTER);
    const { chosenRewards: chosenLogps, rejectedRewards: rejectedLogps, margins: refChosenLogps } = batch;
    expectClose(await twins.paired(loss, { chosenLogps, rejectedLogps, refChosenLogps }), expected);
  });
});

describe("the WGSL twin equals the float64 definition", () => {
  const onDevice: { title: string; loss: BuiltInPreferenceLoss }[] = [
    { title: "sigmoid", loss: dpo() },
    { title: "conservative_dpo", loss: conservativeDpo({ labelSmoothing: 0.1 }) },
    { title: "discopop", loss: discopop() },
    { title: "orpo with its supervised term", loss: orpo() },
    { title: "aot and aot_unpaired and sft", loss: combine([aot(), aotUnpaired(), sft()], [1, 0.5, 2]) },
  ];

  test.for(onDevice)("$title: 1 and 7 pairs, weighted", async ({ loss }, { skip }) => {
    if (twins === null) return skip(NO_ADAPTER);
    for (const size of [1, 7]) {
      const pairs = asFloat32(randomPairs(size, 40 + size));
      const pairWeights = Float64Array.from({ length: size }, (_, i) => (i % 4) / 4 + 0.25);
      const batch = loss.acceptsPairWeights ? { ...pairs, pairWeights } : pairs;
      const { sftLoss: _, ...expected } = loss(batch);
      expectClose(await twins.paired(loss, batch), expected);
    }
  });

  test.for(onDevice)("$title: margins from -700 to 700 and log-probabilities of -1e4", async ({ loss }, { skip }) => {
    if (twins === null) return skip(NO_ADAPTER);
    for (const margin of [-700, -88.5, -20.25, 0, 0.0009765625, 20.25, 88.5, 700, 10000]) {
      const batch = asFloat32(pairWithMargin(-margin));
      const { sftLoss: _, ...expected } = loss(batch);
      const actual = await twins.paired(loss, batch);
      for (const key of Object.keys(expected) as (keyof typeof expected)[]) {
        // One pair: entry by entry. Below the smallest normal float32 a number counts as 0.
        const [device, float64] = [actual[key], expected[key]].map((x) => (typeof x === "number" ? x : x[0]!));
        const error = Math.abs(device! - float64!) / Math.max(Math.abs(float64!), 1e-32);
        expect(error, `${key} at margin ${-margin}: ${device} for ${float64}`).toBeLessThanOrEqual(TOLERANCE);
      }
    }
  });

  test("bco takes its shift from the running mean and this batch", async ({ skip }) => {
    if (twins === null) return skip(NO_ADAPTER);
    const { chosenLogps: logps, refChosenLogps: refLogps } = asFloat32(randomPairs(7, 3));
    const batch = { logps, refLogps: refLogps!, labels: [1, 0, 0, 1, 1, 0, 1], running: { mean: 0.5, count: 9 } };
    const loss = bco({ beta: 0.25 });
    const { running: _, ...expected } = loss(batch);
    const options = withBatchOptions(loss, { runningMean: 0.5, runningCount: 9 });
    expectClose(await twins.unpaired(loss, options, batch), expected);
  });
});

/** The batch as the device sees it, so that only arithmetic differs. */
function asFloat32(batch: PreferenceLogps): PreferenceLogps {
  return Object.fromEntries(
    Object.entries(batch).map(([key, array]) => [key, array.map(Math.fround)]),
  ) as unknown as PreferenceLogps;
}

function withBatchOptions({ wgslOptions, wgslBatchOptions }: UnpairedLoss, values: Record<string, number>): number[] {
  const options = [...wgslOptions];
  for (const [name, slot] of Object.entries(wgslBatchOptions)) options[slot] = values[name]!;
  return options;
}
