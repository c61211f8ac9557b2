import { HashTable } from "./hash-table.ts";
import { mixBits } from "./hash-text.ts";
import { normalizeText } from "./normalize-text.ts";

/** Prompts of at least this many letters are found anywhere in a text, shorter ones only between word boundaries. */
const LONG = 16;
/** Prompts of fewer letters must be the whole text: "Hello" inside a text is no copy. */
const SHORTEST_INSIDE = 8;
const BASE = 0x01000193;
/** Bits of the filter in front of the tables: 1 MiB, so that it stays in the processor's cache. */
const FILTER_BITS = 23;

/** Where in a text which prompt was found: all of it, or `overlap` letters in a row. */
export interface PromptMatch {
  prompt: number;
  whole: boolean;
}

/**
 * Finds prompts in texts, comparing letters and digits only, so that case, spaces, punctuation and accents make no difference.
 * One pass over a text with rolling hashes (Karp and Rabin 1987); every hit is checked against the letters themselves.
 */
export class PromptIndex {
  readonly #letters: string[] = [];
  readonly #overlap: number;
  /** First LONG letters of a long prompt -> the prompts that begin with them. */
  readonly #anchors = new Map<number, number[]>();
  /** First SHORTEST_INSIDE letters of a middling prompt -> the prompts. */
  readonly #shortAnchors = new Map<number, number[]>();
  readonly #shortest = new Map<string, number>();
  /** Every window of `overlap` letters -> its place in `#places`. */
  readonly #windows = new HashTable();
  readonly #places: { prompt: number; at: number }[] = [];
  readonly #filter = new Uint32Array(1 << (FILTER_BITS - 5));

  constructor(prompts: Iterable<string>, overlap: number) {
    this.#overlap = overlap;
    for (const prompt of prompts) this.#add(prompt);
  }

  /** The first match in a text, or undefined. */
  find(text: string): PromptMatch | undefined {
    const words = normalizeText(text);
    const letters = words.replaceAll(" ", "");
    const shortest = this.#shortest.get(letters);
    if (shortest !== undefined) return { prompt: shortest, whole: true };
    return this.#scan(letters, words);
  }

  #add(prompt: string): void {
    const letters = normalizeText(prompt).replaceAll(" ", "");
    const index = this.#letters.length;
    this.#letters.push(letters);
    if (letters === "") return;
    if (letters.length < SHORTEST_INSIDE) {
      if (!this.#shortest.has(letters)) this.#shortest.set(letters, index);
      return;
    }
    const long = letters.length >= LONG;
    const key = hashLetters(letters, 0, long ? LONG : SHORTEST_INSIDE);
    const anchors = long ? this.#anchors : this.#shortAnchors;
    const beginnings = anchors.get(key);
    if (beginnings === undefined) anchors.set(key, [index]);
    else beginnings.push(index);
    this.#mark(key);
    for (let at = 0; at + this.#overlap <= letters.length; at += 1) {
      const window = hashLetters(letters, at, this.#overlap);
      // 32 bits of hash would confuse windows of a large file; the last letters' hash is another 32.
      const tail = hashLetters(letters, at + this.#overlap - LONG, LONG);
      if (this.#windows.add(window, tail, this.#places.length) === -1) this.#places.push({ prompt: index, at });
      this.#mark(window);
    }
  }

  #scan(letters: string, words: string): PromptMatch | undefined {
    const overlap = this.#overlap;
    const drops = { short: power(SHORTEST_INSIDE), long: power(LONG), overlap: Number.isFinite(overlap) ? power(overlap) : 0 };
    let short = 0;
    let long = 0;
    let window = 0;
    let partial: PromptMatch | undefined;
    for (let end = 1; end <= letters.length; end += 1) {
      const letter = letters.charCodeAt(end - 1);
      short = roll(short, letter, end > SHORTEST_INSIDE ? letters.charCodeAt(end - 1 - SHORTEST_INSIDE) : 0, drops.short);
      long = roll(long, letter, end > LONG ? letters.charCodeAt(end - 1 - LONG) : 0, drops.long);
      window = roll(window, letter, end > overlap ? letters.charCodeAt(end - 1 - overlap) : 0, drops.overlap);
      if (end >= LONG && this.#marked(long)) {
        const prompt = this.#wholeAt(this.#anchors.get(long), letters, end - LONG);
        if (prompt !== undefined) return { prompt, whole: true };
      }
      if (end >= SHORTEST_INSIDE && this.#marked(short)) {
        const prompt = this.#wordsAt(this.#shortAnchors.get(short), letters, end - SHORTEST_INSIDE, words);
        if (prompt !== undefined) return { prompt, whole: true };
      }
      if (partial === undefined && end >= overlap && this.#marked(window)) partial = this.#overlapAt(letters, end, window, long);
    }
    return partial;
  }

  #wholeAt(candidates: readonly number[] | undefined, letters: string, at: number): number | undefined {
    return candidates?.find((prompt) => letters.startsWith(this.#letters[prompt]!, at));
  }

  #wordsAt(candidates: readonly number[] | undefined, letters: string, at: number, words: string): number | undefined {
    return candidates?.find((prompt) => {
      const own = this.#letters[prompt]!;
      return letters.startsWith(own, at) && isBoundary(words, at) && isBoundary(words, at + own.length);
    });
  }

  #overlapAt(letters: string, end: number, window: number, tail: number): PromptMatch | undefined {
    const place = this.#places[this.#windows.get(window, tail)];
    if (place === undefined) return undefined;
    const same =
      this.#letters[place.prompt]!.slice(place.at, place.at + this.#overlap) === letters.slice(end - this.#overlap, end);
    return same ? { prompt: place.prompt, whole: false } : undefined;
  }

  #mark(hash: number): void {
    const bit = mixBits(hash) >>> (32 - FILTER_BITS);
    this.#filter[bit >>> 5]! |= 1 << (bit & 31);
  }

  #marked(hash: number): boolean {
    const bit = mixBits(hash) >>> (32 - FILTER_BITS);
    return (this.#filter[bit >>> 5]! & (1 << (bit & 31))) !== 0;
  }
}

/** Whether a word begins or the text ends before the letter of this number. */
function isBoundary(words: string, letter: number): boolean {
  let passed = 0;
  for (let i = 0; i < words.length; i += 1) {
    if (words[i] === " ") continue;
    if (passed === letter) return i === 0 || words[i - 1] === " ";
    passed += 1;
  }
  return passed === letter;
}

/** hash * BASE + letter, less the letter that leaves the window (mod 2^32). */
function roll(hash: number, letter: number, leaving: number, drop: number): number {
  return (Math.imul(hash, BASE) + letter - Math.imul(leaving, drop)) | 0;
}

function hashLetters(letters: string, from: number, length: number): number {
  let hash = 0;
  for (let i = from; i < from + length; i += 1) hash = (Math.imul(hash, BASE) + letters.charCodeAt(i)) | 0;
  return hash;
}

/** BASE to the window's length: what a leaving letter has been multiplied by. */
function power(length: number): number {
  let result = 1;
  for (let i = 0; i < length; i += 1) result = Math.imul(result, BASE);
  return result;
}
