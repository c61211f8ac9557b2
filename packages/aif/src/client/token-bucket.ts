/** The part of the allowed rate that is used, so that jitter on the way does not push a request into a full window. */
const MARGIN = 0.99;
/**
 * What may come at once after a pause, in seconds' shares: half of what a second allows. The other half is what a server's own
 * bucket has left when requests arrive closer together than they were sent, and with the margin any minute holds at most the limit.
 */
const BURST_SECONDS = 0.5;

/** Units per millisecond, and units at most at once. */
export function bucketShape(unitsPerMinute: number): { perMs: number; capacity: number } {
  return { perMs: (unitsPerMinute * MARGIN) / 60_000, capacity: Math.max(1, (unitsPerMinute / 60) * BURST_SECONDS) };
}

/**
 * A rate limit in units per minute, spread evenly, with at most half a second's burst. Time is monotonic and passed in
 * (milliseconds), so a wall clock that jumps or a laptop that slept gives no burst.
 *
 * A reservation may overdraw the bucket once (a request can be larger than a second's share); the debt is waited for.
 */
export interface TokenBucket {
  /** Milliseconds until something may be taken; 0 when it may now. */
  waitMs(now: number): number;
  take(units: number, now: number): void;
  /** Corrects an estimate by the units really used. */
  settle(reserved: number, used: number): void;
}

/** @example tokenBucket(600) // 600 a minute: one every 101 ms, at most 5 at once after a pause */
export function tokenBucket(unitsPerMinute: number): TokenBucket {
  if (!(unitsPerMinute > 0)) throw new RangeError(`tokenBucket: ${unitsPerMinute} units per minute; must be above 0`);
  const { perMs, capacity } = bucketShape(unitsPerMinute);
  let level = 1;
  let last: number | undefined;
  const refill = (now: number): void => {
    if (last !== undefined) level = Math.min(capacity, level + Math.max(0, now - last) * perMs);
    last = Math.max(last ?? now, now);
  };
  return {
    waitMs(now) {
      refill(now);
      return level >= 1 ? 0 : (1 - level) / perMs;
    },
    take(units, now) {
      refill(now);
      level -= units;
    },
    settle(reserved, used) {
      level = Math.min(capacity, level + reserved - used);
    },
  };
}
