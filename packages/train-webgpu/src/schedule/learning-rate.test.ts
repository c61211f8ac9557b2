import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { learningRateAt, resolveWarmupSteps } from "./learning-rate.ts";
import { SCHEDULES, type ScheduleName, type ScheduleOptions } from "./schedules.ts";

interface Case {
  name: ScheduleName;
  options: Record<string, number>;
  total_steps: number;
  warmup_steps: number;
  lr_multiplier_used_at_step: number[];
}
const cases: Case[] = JSON.parse(readFileSync(new URL("./fixtures/schedules.json", import.meta.url), "utf8")).schedules;
const camel = (options: Record<string, number>): ScheduleOptions =>
  Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key.replace(/_(\w)/g, (_, c: string) => c.toUpperCase()), value]),
  );

describe("learningRateAt", () => {
  it.each(cases.map((c) => [c.name, c.total_steps, c.warmup_steps, c] as const))(
    "%s over %i steps, %i of them warmup, equals transformers to 1e-12",
    (schedule, totalSteps, warmupSteps, { options, lr_multiplier_used_at_step: expected }) => {
      for (const [step, multiplier] of expected.entries()) {
        const rate = learningRateAt(step, {
          schedule,
          learningRate: 1,
          totalSteps,
          warmupSteps,
          scheduleOptions: camel(options),
        });
        expect(Math.abs(rate - multiplier), `step ${step}`).toBeLessThanOrEqual(1e-12);
      }
    },
  );

  it("the reference covers every schedule there is", () => {
    expect(new Set(cases.map(({ name }) => name))).toEqual(new Set(Object.keys(SCHEDULES)));
  });

  it("polynomial ends at lrEnd itself, whatever the peak", () => {
    const options = { schedule: "polynomial", learningRate: 1e-3, totalSteps: 10, warmupSteps: 0 } as const;
    expect(learningRateAt(10, options)).toBeCloseTo(1e-7, 15);
    expect(learningRateAt(50, options)).toBeCloseTo(1e-7, 15);
    expect(() => learningRateAt(0, { ...options, learningRate: 1e-8 })).toThrow(RangeError);
  });

  it("minLr is a learning rate, minLrRate a fraction of the peak", () => {
    const options = { schedule: "cosine_with_min_lr", learningRate: 2e-3, totalSteps: 10, warmupSteps: 0 } as const;
    expect(learningRateAt(10, { ...options, scheduleOptions: { minLr: 1e-4 } })).toBeCloseTo(1e-4, 15);
    expect(learningRateAt(10, { ...options, scheduleOptions: { minLrRate: 0.05 } })).toBeCloseTo(1e-4, 15);
    expect(() => learningRateAt(0, options)).toThrow(/exactly one/);
    expect(() => learningRateAt(0, { ...options, scheduleOptions: { minLr: 0, minLrRate: 0 } })).toThrow(/exactly one/);
  });

  it("past the end nothing falls below zero", () => {
    for (const schedule of ["linear", "cosine_with_restarts"] as const) {
      expect(learningRateAt(99, { schedule, learningRate: 1, totalSteps: 10, warmupSteps: 1 })).toBe(0);
    }
  });

  it("a warmup that is the whole run divides by nothing", () => {
    for (const schedule of ["linear", "cosine", "cosine_with_restarts"] as const) {
      expect(learningRateAt(5, { schedule, learningRate: 1, totalSteps: 5, warmupSteps: 5 })).toBeGreaterThanOrEqual(0);
    }
  });

  it.each(["cosin", "toString", "__proto__"])("%s is no schedule", (name) => {
    const schedule = name as ScheduleName;
    expect(() => learningRateAt(0, { schedule, learningRate: 1, totalSteps: 1, warmupSteps: 0 })).toThrow(/known are linear/);
    expect(() => learningRateAt(0, { schedule: "warmup_stable_decay", learningRate: 1, totalSteps: 1, warmupSteps: 0 })).toThrow(
      RangeError,
    );
  });
});

describe("resolveWarmupSteps", () => {
  it.each([
    [10, { warmupRatio: 0.1 }, 1],
    [25, { warmupRatio: 0.1 }, 3],
    [25, { warmupSteps: 0.1 }, 3],
    [25, { warmupSteps: 7 }, 7],
    [25, { warmupSteps: 1 }, 1],
    [25, { warmupRatio: 1 }, 25],
    [25, { warmupSteps: 3, warmupRatio: 0 }, 3],
    [25, { warmupSteps: 0 }, 0],
    [25, {}, 0],
    [1, { warmupRatio: 0.001 }, 1],
  ])("of %i steps, %j is %i", (total, given, expected) => {
    expect(resolveWarmupSteps(total, given)).toBe(expected);
  });

  it.each([
    { warmupSteps: -1 },
    { warmupSteps: 2.5 },
    { warmupSteps: Number.NaN },
    { warmupSteps: Number.POSITIVE_INFINITY },
    { warmupRatio: 1.5 },
    { warmupRatio: -0.1 },
    { warmupRatio: Number.NaN },
    { warmupSteps: 2, warmupRatio: 0.1 },
  ])("%j is refused", (given) => {
    expect(() => resolveWarmupSteps(10, given)).toThrow(RangeError);
  });
});
