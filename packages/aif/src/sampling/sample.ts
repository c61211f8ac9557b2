import type { Random } from "@zephyr/data";

/** `count` different items, each order equally likely; throws a RangeError when there are fewer. */
export function sampleWithoutReplacement<T>(items: readonly T[], count: number, random: Random): T[] {
  if (count > items.length) throw new RangeError(`sampleWithoutReplacement: ${count} of ${items.length} items asked for`);
  const pool = [...items];
  for (let i = 0; i < count; i++) {
    const j = i + random.integer(pool.length - i);
    [pool[i], pool[j]] = [pool[j]!, pool[i]!];
  }
  return pool.slice(0, count);
}

/** A key for `randomFor` out of several parts, so that ("a", "b") and ("ab") differ. */
export function drawKey(...parts: (string | number)[]): string {
  return JSON.stringify(parts);
}
