import { ENCODING, type PageValues } from "./text-values.ts";

const FIRST_LENGTH = 1024;

/** The numbers of a column, as Float64 or Int32. */
export class NumberValues {
  #values: Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
  #count = 0;
  #mark = 0;

  constructor(values: Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>) {
    this.#values = values;
  }

  static doubles(): NumberValues {
    return new NumberValues(new Float64Array(FIRST_LENGTH));
  }

  static integers(): NumberValues {
    return new NumberValues(new Int32Array(FIRST_LENGTH));
  }

  get size(): number {
    return this.#count * this.#values.BYTES_PER_ELEMENT;
  }

  append(value: number): void {
    if (this.#count === this.#values.length) {
      const larger = this.#fresh(2 * this.#count);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count++] = value;
  }

  #fresh(length: number): Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer> {
    return this.#values instanceof Float64Array ? new Float64Array(length) : new Int32Array(length);
  }

  mark(): void {
    this.#mark = this.#count;
  }

  rollback(): void {
    this.#count = this.#mark;
  }

  takePage(): PageValues {
    const bytes = new Uint8Array(this.#values.buffer, 0, this.size);
    this.#values = this.#fresh(this.#values.length);
    this.#count = 0;
    return { encoding: ENCODING.plain, bytes };
  }
}

/** The truth values of a column, a bit each. */
export class BooleanValues {
  #bits = new Uint8Array(FIRST_LENGTH);
  #count = 0;
  #mark = 0;

  get size(): number {
    return this.#count >> 3;
  }

  append(value: boolean): void {
    const byte = this.#count >> 3;
    if (byte === this.#bits.length) {
      const larger = new Uint8Array(2 * byte);
      larger.set(this.#bits);
      this.#bits = larger;
    }
    const bit = 1 << (this.#count & 7);
    this.#bits[byte] = value ? this.#bits[byte]! | bit : this.#bits[byte]! & ~bit;
    this.#count++;
  }

  mark(): void {
    this.#mark = this.#count;
  }

  rollback(): void {
    this.#count = this.#mark;
  }

  takePage(): PageValues {
    const bytes = this.#bits.slice(0, (this.#count + 7) >> 3);
    // What a taken-back row left behind is no part of the file.
    if (this.#count & 7) bytes[bytes.length - 1]! &= (1 << (this.#count & 7)) - 1;
    this.#count = 0;
    return { encoding: ENCODING.plain, bytes };
  }
}
