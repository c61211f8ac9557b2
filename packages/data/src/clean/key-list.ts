/** A growing list of numbers in one flat array, 8 bytes each. */
export class KeyList {
  #keys = new Float64Array(256);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(key: number): void {
    if (this.#size === this.#keys.length) {
      const larger = new Float64Array(this.#size * 2);
      larger.set(this.#keys);
      this.#keys = larger;
    }
    this.#keys[this.#size] = key;
    this.#size += 1;
  }

  /** The numbers from small to large; the list itself is sorted. */
  sorted(): Float64Array {
    return this.#keys.subarray(0, this.#size).sort();
  }
}
