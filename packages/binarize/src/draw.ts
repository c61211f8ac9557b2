/** The next uniform number of a stream: an integer in 0..n-1. */
export type Draw = (n: number) => number;

/**
 * A stream of uniform integers that depends on the seed and the row's id and on nothing else,
 * so neither order nor sharding nor resuming changes what a row draws.
 *
 * The id is hashed by MurmurHash3 (x86, 32 bits, over UTF-16 units), the stream is SplitMix32.
 *
 * @example
 * const draw = rowDraw(0, "a3f");
 * draw(3); // 0, 1 or 2; the same on every machine
 */
export function rowDraw(seed: number, promptId: string): Draw {
  let state = hashString(promptId, hashString(String(seed), 0x9747b28c));
  return (n) => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    z = (z ^ (z >>> 15)) >>> 0;
    return Math.floor((z / 0x1_0000_0000) * n);
  };
}

function hashString(text: string, seed: number): number {
  let hash = seed | 0;
  for (let i = 0; i < text.length; i += 1) {
    let k = Math.imul(text.charCodeAt(i), 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    hash ^= Math.imul(k, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  hash ^= text.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** One entry of a list that is not empty. */
export function pick<T>(list: readonly T[], draw: Draw): T {
  return list[draw(list.length)] as T;
}
