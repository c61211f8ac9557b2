import type { Redis } from "ioredis";
import { RequestError } from "../client/errors.ts";
import { bucketShape } from "../client/token-bucket.ts";
import type { Turnstile } from "../client/turnstile.ts";
import { luaScript } from "./lua-script.ts";

/**
 * The token buckets of `client/token-bucket.ts` and the pause that a provider asked for, kept in Redis by Redis' own clock, so that
 * clocks of machines may differ. Lets through as many of the requests that wait as the levels allow.
 *
 * KEYS: state. ARGV: requests per ms, their capacity, tokens per ms, their capacity (0: no limit), then tokens of each request.
 * Returns how many may go, and after how many ms to ask again.
 */
const admit = luaScript(`
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call("HMGET", KEYS[1], "at", "requests", "tokens", "paused")
local at = tonumber(state[1]) or now
local level = { tonumber(state[2]) or 1, tonumber(state[3]) or 1 }
local rate = { tonumber(ARGV[1]), tonumber(ARGV[3]) }
local capacity = { tonumber(ARGV[2]), tonumber(ARGV[4]) }
for i = 1, 2 do
  if rate[i] > 0 then level[i] = math.min(capacity[i], level[i] + math.max(0, now - at) * rate[i]) end
end
local granted = 0
local wait = math.max(0, (tonumber(state[4]) or 0) - now)
while wait == 0 and granted < #ARGV - 4 do
  for i = 1, 2 do
    if rate[i] > 0 and level[i] < 1 then wait = math.max(wait, (1 - level[i]) / rate[i]) end
  end
  if wait == 0 then
    granted = granted + 1
    level[1] = level[1] - 1
    level[2] = level[2] - tonumber(ARGV[4 + granted])
  end
end
redis.call("HSET", KEYS[1], "at", string.format("%d", now), "requests", string.format("%.6f", level[1]), "tokens", string.format("%.6f", level[2]))
redis.call("PEXPIRE", KEYS[1], 172800000)
return { granted, math.ceil(wait) }
`);

/** KEYS: state. ARGV: tokens to give back. */
const settle = luaScript(`
if redis.call("EXISTS", KEYS[1]) == 1 then redis.call("HINCRBYFLOAT", KEYS[1], "tokens", ARGV[1]) end
`);

/** KEYS: state. ARGV: ms from now; a pause is never shortened. */
const pause = luaScript(`
local time = redis.call("TIME")
local till = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local known = tonumber(redis.call("HGET", KEYS[1], "paused")) or 0
if till > known then redis.call("HSET", KEYS[1], "paused", string.format("%d", till)) end
redis.call("PEXPIRE", KEYS[1], 172800000)
`);

/** Requests asked for in one call. */
const MOST_AT_ONCE = 64;
/** A pause set by another worker is noticed within so long. */
const LONGEST_SLEEP_MS = 500;

interface Waiter {
  tokens: number;
  drain: AbortSignal | undefined;
  resolve(): void;
  reject(error: Error): void;
}

/** The limits of one model over all workers. One request of a worker is at the counter at a time, the others stand behind it. */
export function sharedLimits(
  redis: Redis,
  key: string,
  { requestsPerMinute, tokensPerMinute }: { requestsPerMinute?: number | undefined; tokensPerMinute?: number | undefined },
): Turnstile {
  const rates = [...bucketArguments(requestsPerMinute), ...bucketArguments(tokensPerMinute)];
  const waiting: Waiter[] = [];
  let isRunning = false;

  async function admitAll(): Promise<void> {
    isRunning = true;
    try {
      for (;;) {
        rejectDrained();
        if (waiting.length === 0) return;
        const next = waiting.slice(0, MOST_AT_ONCE).map(({ tokens }) => Math.round(tokens));
        const [granted, waitMs] = (await admit(redis, [key], ...rates, ...next)) as [number, number];
        for (const waiter of waiting.splice(0, granted)) waiter.resolve();
        if (waitMs > 0 && waiting.length > 0)
          await new Promise((resolve) => setTimeout(resolve, Math.min(waitMs, LONGEST_SLEEP_MS)));
      }
    } catch (cause) {
      const error = new RequestError("unavailable", `limits: Redis refused (${(cause as Error).message})`, { cause });
      for (const waiter of waiting.splice(0)) waiter.reject(error);
    } finally {
      isRunning = false;
    }
  }

  function rejectDrained(): void {
    for (let i = waiting.length - 1; i >= 0; i--) {
      if (!waiting[i]!.drain?.aborted) continue;
      waiting[i]!.reject(new RequestError("interrupted", "limits: interrupted before the request was sent"));
      waiting.splice(i, 1);
    }
  }

  return {
    enter(tokens, drain) {
      return new Promise((resolve, reject) => {
        waiting.push({ tokens, drain, resolve, reject });
        if (!isRunning) void admitAll();
      });
    },
    settle(reserved, used) {
      if (tokensPerMinute === undefined || reserved === used) return;
      settle(redis, [key], reserved - used).catch(() => {});
    },
    pause(ms) {
      pause(redis, [key], Math.ceil(ms)).catch(() => {});
    },
  };
}

function bucketArguments(perMinute: number | undefined): [number, number] {
  if (perMinute === undefined) return [0, 0];
  const { perMs, capacity } = bucketShape(perMinute);
  return [perMs, capacity];
}
