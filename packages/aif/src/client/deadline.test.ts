import { expect, test, vi } from "vitest";
import { deadline } from "./deadline.ts";

const kindOf = (error: unknown): string => (error as { kind?: string }).kind ?? String(error);

test("when the time is over the listener is called, the signal aborts and errors are time-outs", () => {
  vi.useFakeTimers();
  try {
    const limit = deadline("m", 1000);
    const told = vi.fn();
    limit.onOver(told);
    const { signal } = limit;
    expect(kindOf(limit.explain("cut"))).toBe("cut");
    vi.advanceTimersByTime(999);
    expect([told.mock.calls.length, signal.aborted]).toEqual([0, false]);
    vi.advanceTimersByTime(1);
    expect([told.mock.calls.length, signal.aborted, limit.signal === signal]).toEqual([1, true, true]);
    expect(kindOf(limit.explain("cut"))).toBe("timeout");
    limit.clear();
  } finally {
    vi.useRealTimers();
  }
});

test("a limit that was cleared tells nobody, and leaves no timer", () => {
  vi.useFakeTimers();
  try {
    const told = vi.fn();
    const limit = deadline("m", 1000);
    limit.onOver(told);
    limit.clear();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(5000);
    expect(told).not.toHaveBeenCalled();
  } finally {
    vi.useRealTimers();
  }
});

test("the caller's signal ends all limits that follow it, and not those that were cleared", () => {
  const caller = new AbortController();
  const limits = Array.from({ length: 300 }, () => deadline("m", 60_000, caller.signal));
  const told = limits.map((limit) => {
    const listener = vi.fn();
    limit.onOver(listener);
    return listener;
  });
  for (const limit of limits.slice(0, 100)) limit.clear();
  caller.abort();
  expect(told.map((listener) => listener.mock.calls.length)).toEqual([...Array(100).fill(0), ...Array(200).fill(1)]);
  expect(kindOf(limits[0]!.explain("cut"))).toBe("cut");
  expect(kindOf(limits[299]!.explain("cut"))).toBe("interrupted");
  expect(limits[299]!.signal.aborted).toBe(true);
  for (const limit of limits) limit.clear();
});

test("a limit under a signal that has aborted is over from the start", () => {
  const limit = deadline("m", 60_000, AbortSignal.abort());
  const told = vi.fn();
  limit.onOver(told);
  expect([told.mock.calls.length, limit.signal.aborted, kindOf(limit.explain("cut"))]).toEqual([1, true, "interrupted"]);
  limit.clear();
});
