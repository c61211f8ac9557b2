import { expect, test } from "vitest";
import { emptyTotals } from "../ask.ts";
import type { Progress } from "../stage.ts";
import { duration, progressLine, projectedCost } from "./progress-line.ts";

const progress = (answered: number, spent: number): Progress => ({
  rowsDone: 10,
  rowsFailed: 2,
  duplicates: 0,
  asker: {
    totals: new Map([["m", { ...emptyTotals(), answered }]]),
    warnings: new Map(),
    spentUsd: () => spent,
    ask: async () => ({ outcome: "answer", content: "", finish_reason: "" }),
    close: async () => {},
  },
});

test("the projection counts answers, not rows: those of half-finished rows are paid for, too", () => {
  expect(projectedCost(progress(100, 2), 10_000)).toBe(200);
  expect(projectedCost(progress(0, 0), 10_000)).toBeUndefined();
});

test("the live line tells rows, failures, cost, speed, time left and who waits", () => {
  const model = Object.assign(
    async function model() {
      return { content: "", model: "m", finishReason: "stop" };
    },
    {
      id: "m",
      limits: { maxConcurrency: 1, maxWaitMs: 1 },
      defaults: { maxTokens: 1 },
      reopen() {},
      inFlight: () => 0,
      pausedMs: () => 30_000,
    },
  );
  const line = progressLine({
    progress: progress(48, 0.5),
    rowsTotal: 100,
    requestsTotal: 400,
    budgetUsd: 20,
    models: [model],
    seconds: 6,
  });
  expect(line).toBe("12/100 rows, 2 failed, $0.5000 of $20.00 (about $4.17 in all), 2.0 rows/s, 44s left; model waits 30s");
});

test("durations are short to read", () => {
  expect([0.4, 59, 61, 3599, 3600 * 5 + 120].map(duration)).toEqual(["0s", "59s", "1m1s", "59m59s", "5h2m"]);
});
