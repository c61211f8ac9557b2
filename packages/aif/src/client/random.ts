/** A stream of numbers in [0, 1). */
export type Random = () => number;

/** A seeded generator (mulberry32): the same seed gives the same numbers on every runtime. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A generator that depends on all of `parts`, so that a row's draws do not depend on other rows. */
export function randomFor(...parts: (string | number)[]): Random {
  // FNV-1a over the parts, each closed by a separator so that ("a", "b") and ("ab", "") differ.
  let hash = 0x811c9dc5;
  for (const part of parts) {
    for (const byte of Buffer.from(`${typeof part}:${part}\u0000`)) hash = Math.imul(hash ^ byte, 0x01000193);
  }
  const random = seededRandom(hash);
  random();
  return random;
}

/** `count` different items, each order equally likely; throws a RangeError when there are fewer. */
export function sampleWithoutReplacement<T>(items: readonly T[], count: number, random: Random): T[] {
  if (count > items.length) throw new RangeError(`sampleWithoutReplacement: ${count} of ${items.length} items asked for`);
  const pool = [...items];
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (pool.length - i));
    [pool[i], pool[j]] = [pool[j]!, pool[i]!];
  }
  return pool.slice(0, count);
}

/** All items in a random order. */
export function shuffle<T>(items: readonly T[], random: Random): T[] {
  return sampleWithoutReplacement(items, items.length, random);
}
