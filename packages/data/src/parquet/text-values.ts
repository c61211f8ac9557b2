import { type BufferPool, GrowingBytes } from "./growing-bytes.ts";
import { bitsFor, encodeRuns } from "./runs.ts";

/** A text longer than this is not looked up: hashing it costs more than a repetition saves. */
const LONGEST_ENTRY = 256;
const MOST_ENTRIES = 1024;
/** After so many values at least every second one must have been seen before. */
const TRIAL_VALUES = 128;

/** Numbers of encodings in the format's specification. */
export const ENCODING = { plain: 0, rle: 3, rleDictionary: 8 } as const;

/** The values of one page, encoded. */
export interface PageValues {
  encoding: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The texts of a column: indices into a dictionary for as long as texts repeat (models, roles, sources), else the texts themselves.
 * A column that was found not to repeat is not tried again.
 */
export class TextValues {
  readonly #pool: BufferPool;
  readonly #plain: GrowingBytes;
  #repeats = true;
  #dictionary = new Map<string, number>();
  /** Pages of the present group that were written by the dictionary. */
  #dictionaryPages = 0;
  #indices = new Int32Array(1024);
  #count = 0;
  #mark = { count: 0, used: 0 };

  constructor(pool: BufferPool) {
    this.#pool = pool;
    this.#plain = new GrowingBytes(1024, pool);
  }

  get size(): number {
    return this.#repeats ? this.#count : this.#plain.used;
  }

  append(text: string): void {
    if (this.#repeats && this.#look(text)) return;
    this.#write(text);
  }

  #look(text: string): boolean {
    let index = text.length <= LONGEST_ENTRY ? this.#dictionary.get(text) : undefined;
    if (index === undefined) {
      const entries = this.#dictionary.size;
      if (text.length > LONGEST_ENTRY || entries >= MOST_ENTRIES || (this.#count >= TRIAL_VALUES && 2 * entries > this.#count)) {
        this.#giveUp();
        return false;
      }
      index = entries;
      this.#dictionary.set(text, index);
    }
    if (this.#count === this.#indices.length) {
      const larger = new Int32Array(2 * this.#count);
      larger.set(this.#indices);
      this.#indices = larger;
    }
    this.#indices[this.#count++] = index;
    return true;
  }

  /** Writes the texts out that were indices so far. */
  #giveUp(): void {
    const texts = [...this.#dictionary.keys()];
    this.#repeats = false;
    const { count } = this.#mark;
    for (let i = 0; i < this.#count; i++) {
      if (i === count) this.#mark.used = this.#plain.used;
      this.#write(texts[this.#indices[i]!]!);
    }
    if (count === this.#count) this.#mark.used = this.#plain.used;
    this.#count = 0;
  }

  #write(text: string): void {
    const plain = this.#plain;
    // A UTF-16 unit takes at most 3 bytes.
    plain.ensure(4 + 3 * text.length);
    const start = plain.used;
    const length = plain.buffer.write(text, start + 4);
    plain.buffer.writeUInt32LE(length, start);
    plain.used = start + 4 + length;
  }

  mark(): void {
    this.#mark.count = this.#count;
    this.#mark.used = this.#plain.used;
  }

  rollback(): void {
    if (this.#repeats) this.#count = this.#mark.count;
    else this.#plain.used = this.#mark.used;
  }

  takePage(): PageValues {
    if (this.#repeats && this.#count < TRIAL_VALUES && 2 * this.#dictionary.size > this.#count && this.#dictionaryPages === 0) {
      this.#giveUp();
      this.#repeats = true;
      this.#dictionary.clear();
      return { encoding: ENCODING.plain, bytes: this.#plain.take() };
    }
    if (!this.#repeats) return { encoding: ENCODING.plain, bytes: this.#plain.take() };
    this.#dictionaryPages++;
    const width = Math.max(1, bitsFor(this.#dictionary.size - 1));
    const out = new GrowingBytes(1024, this.#pool);
    out.buffer[out.used++] = width;
    encodeRuns(this.#indices, this.#count, width, out);
    this.#count = 0;
    return { encoding: ENCODING.rleDictionary, bytes: out.bytes };
  }

  /** The dictionary that the group's pages go by, if any does; the next group begins with an empty one. */
  takeDictionary(): { entries: number; bytes: Uint8Array<ArrayBuffer> } | undefined {
    const entries = [...this.#dictionary.keys()];
    const used = this.#dictionaryPages > 0;
    this.#dictionary.clear();
    this.#dictionaryPages = 0;
    if (!used) return undefined;
    const out = new TextValues(this.#pool);
    out.#repeats = false;
    for (const text of entries) out.#write(text);
    return { entries: entries.length, bytes: out.#plain.bytes };
  }
}
