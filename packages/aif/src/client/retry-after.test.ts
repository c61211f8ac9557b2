import { expect, test } from "vitest";
import { parseDuration, retryAfterMs } from "./retry-after.ts";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const HOUR = 3_600_000;
const waitOf = (headers: Record<string, string>, now = NOW): number | undefined => retryAfterMs((name) => headers[name], now);

test.each([
  [{ "retry-after": "2" }, 2000],
  [{ "retry-after": "1.5" }, 1500],
  [{ "retry-after": " 3 " }, 3000],
  [{ "retry-after": "0" }, 0],
  [{ "retry-after-ms": "250", "retry-after": "7" }, 250],
  [{ "retry-after": "Sun, 22 Nov 2026 12:00:30 GMT" }, 30_000],
  [{ "retry-after": "Sun, 22 Nov 2026 11:00:00 GMT" }, 0],
  [{ "retry-after": "-5" }, undefined],
  [{ "retry-after": "soon" }, undefined],
  [{ "retry-after": "" }, undefined],
  [{ "retry-after": "NaN" }, undefined],
  [{ "retry-after": "1e9" }, undefined],
  [{ "retry-after": "99999999999" }, 7 * 24 * HOUR],
  [{ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s" }, 360_000],
  [
    {
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "20ms",
      "x-ratelimit-remaining-tokens": "0",
      "x-ratelimit-reset-tokens": "1.5s",
    },
    1500,
  ],
  [{ "x-ratelimit-remaining-requests": "12", "x-ratelimit-reset-requests": "6m0s" }, undefined],
  [{ "x-ratelimit-reset": String(NOW / 1000 + 40) }, 40_000],
  [{ "anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "2026-11-22T12:00:10Z" }, 10_000],
])("fault 4: %j asks to wait %s ms", (headers, ms) => expect(waitOf(headers)).toBe(ms));

test.each([-HOUR, HOUR])(
  "fault 4: a clock that is off by %d ms does not change the wait, since the reply carries its own date",
  (skew) => {
    const headers = { date: "Sun, 22 Nov 2026 12:00:00 GMT", "retry-after": "Sun, 22 Nov 2026 12:00:30 GMT" };
    expect(waitOf(headers, NOW + skew)).toBe(30_000);
  },
);

test("durations are read with all their units or not at all", () => {
  expect(parseDuration("1h2m3s")).toBe(3_723_000);
  expect(parseDuration("34.5s")).toBe(34_500);
  expect(parseDuration("5 minutes")).toBeUndefined();
  expect(parseDuration(undefined)).toBeUndefined();
});
