/** A header by its lower-case name. */
export type HeaderLookup = (name: string) => string | undefined;

const LONGEST_MS = 7 * 24 * 3600 * 1000;
const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * How long a provider asks us to wait, in milliseconds, or undefined when it does not say.
 *
 * Reads `retry-after-ms`, `retry-after` (seconds or an HTTP date, measured against the reply's own `date` so that a skewed
 * clock does no harm), and the reset times of exhausted limits (`x-ratelimit-reset-*`, `anthropic-ratelimit-*-reset`).
 * A date in the past is 0; nonsense and negative numbers count as absent.
 */
export function retryAfterMs(header: HeaderLookup, nowMs: number): number | undefined {
  const clock = serverClock(header, nowMs);
  const wait =
    parseNumber(header("retry-after-ms")) ?? parseSecondsOrDate(header("retry-after"), clock) ?? exhaustedReset(header, clock);
  return wait === undefined ? undefined : Math.min(wait, LONGEST_MS);
}

/** "6m0s", "1.5s", "250ms" in milliseconds; undefined for anything else. */
export function parseDuration(text: string | undefined): number | undefined {
  if (text === undefined || !/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(text.trim())) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.trim().matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) total += Number(amount) * UNITS[unit!]!;
  return total;
}

function serverClock(header: HeaderLookup, nowMs: number): number {
  const date = Date.parse(header("date") ?? "");
  return Number.isNaN(date) ? nowMs : date;
}

function parseNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*\d+(\.\d+)?\s*$/.test(text)) return undefined;
  return Number(text);
}

function parseSecondsOrDate(text: string | undefined, clock: number): number | undefined {
  const seconds = parseNumber(text);
  if (seconds !== undefined) return seconds * 1000;
  return parseDate(text, clock);
}

function parseDate(text: string | undefined, clock: number): number | undefined {
  if (text === undefined || !/[A-Za-z]/.test(text) || !/\d:\d\d/.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - clock);
}

const LIMITS = [
  ["x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
  ["x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
  ["x-ratelimit-remaining", "x-ratelimit-reset"],
  ["anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"],
  ["anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"],
  ["anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"],
  ["anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"],
] as const;

function exhaustedReset(header: HeaderLookup, clock: number): number | undefined {
  let longest: number | undefined;
  for (const [remaining, reset] of LIMITS) {
    const left = header(remaining);
    if (left !== undefined && Number(left) > 0) continue;
    const wait = parseReset(header(reset), clock);
    if (wait !== undefined) longest = Math.max(longest ?? 0, wait);
  }
  return longest;
}

function parseReset(text: string | undefined, clock: number): number | undefined {
  const number = parseNumber(text);
  if (number === undefined) return parseDuration(text) ?? parseDate(text, clock);
  // Some servers give the moment (seconds or milliseconds since 1970) where others give the wait.
  if (number > 1e12) return Math.max(0, number - clock);
  if (number > 1e9) return Math.max(0, number * 1000 - clock);
  return number * 1000;
}
