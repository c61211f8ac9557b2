/** A seeded source of numbers in [0, 1) with the few draws that the world needs; equal seeds give equal worlds. */
export interface Random {
  next(): number;
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T;
  sample<T>(items: readonly T[], count: number): T[];
}

/**
 * Makes a Random from a seed (mulberry32: 32 bits of state, period 2^32, enough for some thousand dialogues).
 *
 * @example seededRandom(0).pick(["cat", "dog"])
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    below,
    pick: (items) => items[below(items.length)]!,
    weighted: (weights) => drawWeighted(weights, next()),
    sample: (items, count) => {
      const rest = [...items];
      return Array.from({ length: count }, () => rest.splice(below(rest.length), 1)[0]!);
    },
  };
}

function drawWeighted<T extends string>(weights: Readonly<Record<T, number>>, draw: number): T {
  const entries = Object.entries<number>(weights) as [T, number][];
  let left = draw * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of entries) {
    left -= weight;
    if (left < 0) return name;
  }
  return entries.at(-1)![0];
}

/** FNV-1a hash of a text in [0, 1): decides, by the prompt alone, on which side of the held-out border it falls. */
export function textFraction(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
