import { expect, test } from "vitest";
import { type AskTotals, emptyTotals } from "../ask.ts";
import type { Progress } from "../stage.ts";
import { duration, progressLine, projectedCost } from "./progress-line.ts";

const progress = (models: Record<string, Partial<AskTotals>>, spent: number): Progress => ({
  rowsDone: 10,
  rowsFailed: 2,
  duplicates: 0,
  asker: {
    totals: new Map(Object.entries(models).map(([name, totals]) => [name, { ...emptyTotals(), ...totals }])),
    warnings: new Map(),
    spentUsd: () => spent,
    ask: async () => ({ outcome: "answer", content: "", finish_reason: "" }),
    close: async () => {},
  },
});

test("the projection counts answers, not rows: those of half-finished rows are paid for, too", () => {
  expect(projectedCost(progress({ m: { answered: 100, costUsd: 2 } }, 2), { m: 10_000 })).toBe(200);
  expect(projectedCost(progress({ m: { answered: 0 } }, 0), { m: 10_000 })).toBeUndefined();
});

test("the projection knows what each model costs: a dear one that is behind is not forgotten", () => {
  const models = { cheap: { answered: 90, costUsd: 0.9 }, dear: { answered: 10, costUsd: 10 } };
  expect(projectedCost(progress(models, 10.9), { cheap: 100, dear: 100 })).toBeCloseTo(101, 10);
  expect(projectedCost(progress({ cheap: { answered: 90, costUsd: 0.9 } }, 0.9), { cheap: 100, dear: 100 })).toBeUndefined();
});

test("what an earlier run paid is in the projection once, and its answers do not make this run look fast", () => {
  const resumed = progress({ m: { answered: 10, resumed: 50, costUsd: 1 } }, 6);
  expect(projectedCost(resumed, { m: 100 })).toBe(10);
  const line = progressLine({
    progress: resumed,
    rowsTotal: 100,
    requests: { m: 100 },
    budgetUsd: undefined,
    models: [],
    seconds: 20,
  });
  expect(line).toContain("1m20s left");
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
    progress: progress({ m: { answered: 48, costUsd: 0.5 } }, 0.5),
    rowsTotal: 100,
    requests: { m: 400 },
    budgetUsd: 20,
    models: [model],
    seconds: 6,
  });
  expect(line).toBe("12/100 rows, 2 failed, $0.5000 of $20.00 (about $4.17 in all), 2.0 rows/s, 44s left; model waits 30s");
});

test("durations are short to read", () => {
  expect([0.4, 59, 61, 3599, 3600 * 5 + 120].map(duration)).toEqual(["0s", "59s", "1m1s", "59m59s", "5h2m"]);
});
