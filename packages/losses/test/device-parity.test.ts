import { beforeAll, describe, expect, test } from "vitest";
import {
  dpoCases,
  modelCases,
  referenceFreeCases,
  relativeError,
  rewardCases,
  unpairedCases,
} from "../src/fixtures/trl-cases.ts";
import type { UnpairedLoss } from "../src/types.ts";
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

function withBatchOptions({ wgslOptions, wgslBatchOptions }: UnpairedLoss, values: Record<string, number>): number[] {
  const options = [...wgslOptions];
  for (const [name, slot] of Object.entries(wgslBatchOptions)) options[slot] = values[name]!;
  return options;
}
