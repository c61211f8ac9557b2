/** A stream of reproducible random numbers. */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  next(): number;
  /** Uniform whole number in [0, bound). */
  integer(bound: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
  /** A new array with the items in random order (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[];
}

/** Four 32-bit words out of a text: FNV-1a from four offsets, each finished by murmur3's mixer. */
function hashWords(text: string): [number, number, number, number] {
  const words = new Uint32Array([0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35]);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    for (let w = 0; w < 4; w++) {
      words[w] = Math.imul(words[w]! ^ (code & 0xff), 0x01000193);
      words[w] = Math.imul(words[w]! ^ (code >>> 8) ^ (w << 4), 0x01000193);
    }
  }
  for (let w = 0; w < 4; w++) words[w] = mix(words[w]! + Math.imul(w, 0x632be5ab));
  return [words[0]!, words[1]!, words[2]!, words[3]!];
}

function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function rotateLeft(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

/**
 * Random numbers that depend on the seed and the key alone, never on how many rows came before: give each row its own key
 * (its `prompt_id`) and the outcome is the same in any order, sharding or resume.
 *
 * Generator: xoshiro128** (Blackman and Vigna 2018), seeded by a hash of both.
 *
 * @throws TypeError when the seed is no whole number.
 * @example
 * const rejected = others[randomFor(seed, row.prompt_id).integer(others.length)];
 */
export function randomFor(seed: number, key: string | number = ""): Random {
  if (!Number.isSafeInteger(seed)) throw new TypeError(`randomFor: the seed is ${seed}; it must be a whole number`);
  let [a, b, c, d] = hashWords(`${seed}\u0000${typeof key}\u0000${key}`);
  const word = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotateLeft(d, 11);
    return result;
  };
  const next = (): number => ((word() >>> 5) * 67108864 + (word() >>> 6)) / 9007199254740992;
  const integer = (bound: number): number => {
    if (!Number.isInteger(bound) || bound < 1)
      throw new RangeError(`randomFor: integer(${bound}); the bound must be a whole number from 1`);
    return Math.floor(next() * bound);
  };
  return {
    next,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    shuffle: (items) => {
      const shuffled = [...items];
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
      }
      return shuffled;
    },
  };
}
