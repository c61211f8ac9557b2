import { createHash } from "node:crypto";

const SIZE = 624;
const SHIFT = 397;

/** A random source whose numbers equal CPython's `random.Random(seed)`. */
export interface CpythonRandom {
  /** The next double in [0, 1), with 53 random bits. */
  random(): number;
  /** An integer of `bits` random bits, 1 to 32. */
  getrandbits(bits: number): number;
  /** A uniform integer in [0, n), n below 2^32. */
  randbelow(n: number): number;
  /** Shuffles in place, as `random.shuffle`. */
  shuffle<T>(items: T[]): void;
  /** k distinct items in random order, as `random.sample`. */
  sample<T>(population: readonly T[], k: number): T[];
  /** One item, as `random.choices(items)[0]`. */
  choice<T>(items: readonly T[]): T;
}

/**
 * CPython's Mersenne Twister, seeded as `random.Random(seed)` seeds it: an integer by its 32-bit words, a string by its
 * UTF-8 bytes followed by their SHA-512. Throws a RangeError on a seed that is no safe integer.
 * Source: Matsumoto and Nishimura 1998; CPython's `random.py` documents the string seeding ("version 2").
 *
 * @example
 * cpythonRandom(42).random(); // 0.6394267984578837
 */
export function cpythonRandom(seed: number | string): CpythonRandom {
  const state = initByArray(typeof seed === "string" ? wordsOfText(seed) : wordsOfInteger(seed));
  let index = SIZE;

  function nextWord(): number {
    if (index >= SIZE) {
      twist(state);
      index = 0;
    }
    let y = state[index++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }
  function random(): number {
    const high = nextWord() >>> 5;
    const low = nextWord() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }
  const getrandbits = (bits: number): number => nextWord() >>> (32 - bits);
  function randbelow(n: number): number {
    if (!(n >= 1) || n > 0xffffffff) throw new RangeError(`randbelow: n is ${n}; it must be an integer from 1 to 2^32 - 1`);
    const bits = 32 - Math.clz32(n);
    let r = getrandbits(bits);
    while (r >= n) r = getrandbits(bits);
    return r;
  }
  function shuffle<T>(items: T[]): void {
    for (let i = items.length - 1; i >= 1; i--) {
      const j = randbelow(i + 1);
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
  }
  function sample<T>(population: readonly T[], k: number): T[] {
    const n = population.length;
    if (!(k >= 0 && k <= n)) throw new RangeError(`sample: k is ${k}, the population has ${n}; k must be from 0 to ${n}`);
    // CPython draws from a shrinking pool when that is smaller than the set it would otherwise need.
    const setSize = 21 + (k > 5 ? 4 ** Math.ceil(Math.log(k * 3) / Math.log(4)) : 0);
    return n <= setSize ? sampleFromPool(population, k, randbelow) : sampleWithSet(population, k, randbelow);
  }
  const choice = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  return { random, getrandbits, randbelow, shuffle, sample, choice };
}

function sampleFromPool<T>(population: readonly T[], k: number, randbelow: (n: number) => number): T[] {
  const pool = [...population];
  const result: T[] = [];
  for (let i = 0; i < k; i++) {
    const j = randbelow(pool.length - i);
    result.push(pool[j]!);
    pool[j] = pool[pool.length - i - 1]!;
  }
  return result;
}

function sampleWithSet<T>(population: readonly T[], k: number, randbelow: (n: number) => number): T[] {
  const selected = new Set<number>();
  const result: T[] = [];
  for (let i = 0; i < k; i++) {
    let j = randbelow(population.length);
    while (selected.has(j)) j = randbelow(population.length);
    selected.add(j);
    result.push(population[j]!);
  }
  return result;
}

function wordsOfInteger(seed: number): number[] {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`cpythonRandom: seed is ${seed}; it must be an integer or a string`);
  const size = Math.abs(seed);
  const high = Math.floor(size / 2 ** 32);
  return high > 0 ? [size >>> 0, high] : [size >>> 0];
}

function wordsOfText(seed: string): number[] {
  const text = Buffer.from(seed, "utf8");
  const bytes = Buffer.concat([text, createHash("sha512").update(text).digest()]);
  const words: number[] = [];
  for (let end = bytes.length; end > 0; end -= 4) {
    let word = 0;
    for (let at = Math.max(0, end - 4); at < end; at++) word = word * 256 + bytes[at]!;
    words.push(word >>> 0);
  }
  while (words.length > 1 && words.at(-1) === 0) words.pop();
  return words;
}

function initGenrand(seed: number): Uint32Array {
  const state = new Uint32Array(SIZE);
  state[0] = seed;
  for (let i = 1; i < SIZE; i++) {
    const before = state[i - 1]! ^ (state[i - 1]! >>> 30);
    state[i] = Math.imul(before, 1812433253) + i;
  }
  return state;
}

function initByArray(key: number[]): Uint32Array {
  const state = initGenrand(19650218);
  let i = 1;
  let j = 0;
  const advance = () => {
    i++;
    if (i >= SIZE) {
      state[0] = state[SIZE - 1]!;
      i = 1;
    }
  };
  for (let k = Math.max(SIZE, key.length); k > 0; k--) {
    const before = state[i - 1]! ^ (state[i - 1]! >>> 30);
    state[i] = (state[i]! ^ Math.imul(before, 1664525)) + key[j]! + j;
    advance();
    j = (j + 1) % key.length;
  }
  for (let k = SIZE - 1; k > 0; k--) {
    const before = state[i - 1]! ^ (state[i - 1]! >>> 30);
    state[i] = (state[i]! ^ Math.imul(before, 1566083941)) - i;
    advance();
  }
  state[0] = 0x80000000;
  return state;
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < SIZE; i++) {
    const y = (state[i]! & 0x80000000) | (state[(i + 1) % SIZE]! & 0x7fffffff);
    state[i] = state[(i + SHIFT) % SIZE]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}
