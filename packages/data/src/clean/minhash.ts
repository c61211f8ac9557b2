import { mixBits } from "./hash-text.ts";
import { Letters } from "./letters.ts";

/** datatrove's settings: 5-grams of words, 14 buckets of 8 hashes, so that a pair of Jaccard similarity s meets with 1 - (1 - s^8)^14. */
export const WORDS_PER_SHINGLE = 5;
export const BUCKETS = 14;
export const HASHES_PER_BUCKET = 8;
const HASHES = BUCKETS * HASHES_PER_BUCKET;

/** Odd factors and offsets of the permutations x -> a (x xor b) + b (mod 2^32). */
const factors = Int32Array.from({ length: HASHES }, (_, i) => mixBits(Math.imul(i + 1, 0x9e3779b1)) | 1);
const offsets = Int32Array.from({ length: HASHES }, (_, i) => mixBits(Math.imul(i + 1, 0x85ebca77) ^ 0x5bd1e995));

const letters = new Letters();

/** 32-bit hashes of the text's 5-grams of normalized words; a shorter text is one shingle, one without words has none. */
export function shinglesOf(text: string): Int32Array {
  const words = wordHashes(text);
  if (words.length === 0) return words;
  const length = Math.min(WORDS_PER_SHINGLE, words.length);
  const shingles = new Int32Array(words.length - length + 1);
  for (let start = 0; start < shingles.length; start += 1) {
    let hash = length;
    for (let i = start; i < start + length; i += 1) hash = (Math.imul(hash, 0x01000193) ^ words[i]!) | 0;
    shingles[start] = mixBits(hash);
  }
  return shingles;
}

/** A 32-bit hash (FNV-1a, mixed) of each word. */
function wordHashes(text: string): Int32Array {
  letters.read(text);
  const { codes, starts, length } = letters;
  const hashes = new Int32Array(length);
  let words = 0;
  let hash = 0x811c9dc5;
  for (let i = 0; i < length; i += 1) {
    hash = Math.imul(hash ^ codes[i]!, 0x01000193);
    if (i + 1 < length && starts[i + 1] === 0) continue;
    hashes[words] = mixBits(hash);
    words += 1;
    hash = 0x811c9dc5;
  }
  return hashes.subarray(0, words);
}

/**
 * [14 x 8] the smallest value of each permutation over the shingles (Broder 1997).
 * The order is that of signed 32-bit integers: any order of the hashes will do, and this one needs no conversion.
 */
export function minhashSignature(shingles: Int32Array): Int32Array {
  const smallest = new Int32Array(HASHES).fill(0x7fffffff);
  for (let s = 0; s < shingles.length; s += 1) {
    const shingle = shingles[s]!;
    for (let i = 0; i < HASHES; i += 1) {
      const value = (Math.imul(factors[i]!, shingle ^ offsets[i]!) + offsets[i]!) | 0;
      if (value < smallest[i]!) smallest[i] = value;
    }
  }
  return smallest;
}

/** [14] one 64-bit key, low and high half, for each bucket of a signature. */
export function bucketKeys(signature: Int32Array): { low: Uint32Array; high: Uint32Array } {
  const low = new Uint32Array(BUCKETS);
  const high = new Uint32Array(BUCKETS);
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    let a = bucket + 1;
    let b = ~bucket;
    for (let i = bucket * HASHES_PER_BUCKET; i < (bucket + 1) * HASHES_PER_BUCKET; i += 1) {
      a = mixBits(Math.imul(a, 0x01000193) ^ signature[i]!);
      b = mixBits(Math.imul(b, 0x85ebca6b) + signature[i]!);
    }
    low[bucket] = a;
    high[bucket] = b;
  }
  return { low, high };
}
