import { HashTable } from "./hash-table.ts";
import { Letters } from "./letters.ts";

/** Prompts of at least this many letters are found anywhere in a text, shorter ones only between word boundaries. */
const LONG = 16;
/** Prompts of fewer letters must be the whole text: "Hello" inside a text is no copy. */
const SHORTEST_INSIDE = 8;
const BASE = 0x01000193;
const SHORT_POWER = power(SHORTEST_INSIDE);
const LONG_POWER = power(LONG);
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

  readonly #overlapPower: number;
  /** The text being looked at. */
  readonly #text = new Letters();

  constructor(prompts: Iterable<string>, overlap: number) {
    this.#overlap = overlap;
    this.#overlapPower = Number.isFinite(overlap) ? power(overlap) : 0;
    for (const prompt of prompts) this.#add(prompt);
  }

  /** The first match in a text, or undefined. */
  find(text: string): PromptMatch | undefined {
    this.#text.read(text);
    if (this.#text.length < SHORTEST_INSIDE) {
      const prompt = this.#shortest.get(lettersOf(this.#text));
      return prompt === undefined ? undefined : { prompt, whole: true };
    }
    return this.#scan(this.#text);
  }

  #add(prompt: string): void {
    this.#text.read(prompt);
    const letters = lettersOf(this.#text);
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

  #scan({ codes, length }: Letters): PromptMatch | undefined {
    const overlap = this.#overlap;
    let short = 0;
    let long = 0;
    let window = 0;
    let partial: PromptMatch | undefined;
    for (let end = 1; end <= length; end += 1) {
      const letter = codes[end - 1]!;
      short = roll(short, letter, end > SHORTEST_INSIDE ? codes[end - 1 - SHORTEST_INSIDE]! : 0, SHORT_POWER);
      long = roll(long, letter, end > LONG ? codes[end - 1 - LONG]! : 0, LONG_POWER);
      window = roll(window, letter, end > overlap ? codes[end - 1 - overlap]! : 0, this.#overlapPower);
      if (end >= LONG && this.#marked(long)) {
        const prompt = this.#wholeAt(this.#anchors.get(long), end - LONG, false);
        if (prompt !== undefined) return { prompt, whole: true };
      }
      if (end >= SHORTEST_INSIDE && this.#marked(short)) {
        const prompt = this.#wholeAt(this.#shortAnchors.get(short), end - SHORTEST_INSIDE, true);
        if (prompt !== undefined) return { prompt, whole: true };
      }
      if (partial === undefined && end >= overlap && this.#marked(window)) partial = this.#overlapEndingAt(end, window, long);
    }
    return partial;
  }

  /** The first candidate whose letters stand here, on word boundaries if asked. */
  #wholeAt(candidates: readonly number[] | undefined, at: number, onBoundaries: boolean): number | undefined {
    return candidates?.find((prompt) => {
      const own = this.#letters[prompt]!;
      return this.#holds(own, at) && (!onBoundaries || (this.#isBoundary(at) && this.#isBoundary(at + own.length)));
    });
  }

  #overlapEndingAt(end: number, window: number, tail: number): PromptMatch | undefined {
    const place = this.#places[this.#windows.get(window, tail)];
    if (place === undefined) return undefined;
    const letters = this.#letters[place.prompt]!.slice(place.at, place.at + this.#overlap);
    return this.#holds(letters, end - this.#overlap) ? { prompt: place.prompt, whole: false } : undefined;
  }

  #holds(letters: string, at: number): boolean {
    const { codes, length } = this.#text;
    if (at + letters.length > length) return false;
    for (let i = 0; i < letters.length; i += 1) if (codes[at + i] !== letters.charCodeAt(i)) return false;
    return true;
  }

  #isBoundary(at: number): boolean {
    return at === this.#text.length || this.#text.starts[at] === 1;
  }

  #mark(hash: number): void {
    const bit = Math.imul(hash, 0x9e3779b1) >>> (32 - FILTER_BITS);
    this.#filter[bit >>> 5]! |= 1 << (bit & 31);
  }

  #marked(hash: number): boolean {
    const bit = Math.imul(hash, 0x9e3779b1) >>> (32 - FILTER_BITS);
    return (this.#filter[bit >>> 5]! & (1 << (bit & 31))) !== 0;
  }
}

/** hash * BASE + letter, less the letter that leaves the window (mod 2^32). */
function roll(hash: number, letter: number, leaving: number, drop: number): number {
  return (Math.imul(hash, BASE) + letter - Math.imul(leaving, drop)) | 0;
}

function lettersOf({ codes, length }: Letters): string {
  let letters = "";
  for (let i = 0; i < length; i += 1) letters += String.fromCharCode(codes[i]!);
  return letters;
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
