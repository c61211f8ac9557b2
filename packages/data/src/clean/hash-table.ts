import { mixBits } from "./hash-text.ts";

/**
 * A map from 64-bit hashes (two halves) to 32-bit numbers in flat arrays: 12 bytes a slot, at most two thirds full.
 * A Map of the same size takes four times the memory.
 */
export class HashTable {
  #low = new Uint32Array(1024);
  #high = new Uint32Array(1024);
  /** The value plus 1; 0 is a free slot. */
  #values = new Uint32Array(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The value, or -1. */
  get(low: number, high: number): number {
    return this.#values[this.#slot(low, high)]! - 1;
  }

  /** Keeps the first value of a key; returns it, or -1 when the key is new. Values are 0 to 2^32 - 2. */
  add(low: number, high: number, value: number): number {
    const slot = this.#slot(low, high);
    const present = this.#values[slot]!;
    if (present !== 0) return present - 1;
    this.#low[slot] = low;
    this.#high[slot] = high;
    this.#values[slot] = value + 1;
    this.#size += 1;
    if (this.#size * 3 > this.#values.length * 2) this.#grow();
    return -1;
  }

  #slot(low: number, high: number): number {
    const mask = this.#values.length - 1;
    let slot = mixBits(low ^ Math.imul(high, 0x9e3779b1)) & mask;
    while (this.#values[slot] !== 0 && (this.#low[slot] !== low >>> 0 || this.#high[slot] !== high >>> 0))
      slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [low, high, values] = [this.#low, this.#high, this.#values];
    this.#low = new Uint32Array(low.length * 2);
    this.#high = new Uint32Array(low.length * 2);
    this.#values = new Uint32Array(low.length * 2);
    for (let old = 0; old < values.length; old += 1) {
      if (values[old] === 0) continue;
      const slot = this.#slot(low[old]!, high[old]!);
      this.#low[slot] = low[old]!;
      this.#high[slot] = high[old]!;
      this.#values[slot] = values[old]!;
    }
  }
}
