import type { Buffer as NodeBuffer } from "node:buffer";
import { builtin } from "../files/node-builtins.ts";

type Bytes = NodeBuffer<ArrayBuffer>;

/** Only buffers that the allocator would get from the system, and give back to it, are worth keeping. */
const LEAST_KEPT_BYTES = 2 ** 16;
const MOST_KEPT_BYTES = 2 ** 22;
const MOST_KEPT = 32;

/** Buffers to use again, since what is left to the garbage collector stays in memory for a long time. */
export class BufferPool {
  readonly #kept: Bytes[] = [];
  readonly #allocate: (size: number) => Bytes;

  constructor(caller: string) {
    this.#allocate = builtin("node:buffer", caller).Buffer.allocUnsafeSlow;
  }

  take(size: number): Bytes {
    const at = this.#kept.findIndex(({ length }) => length >= size && length <= 4 * size);
    return at < 0 ? this.#allocate(size) : this.#kept.splice(at, 1)[0]!;
  }

  /** Takes a buffer back (or a view from its start) that nobody reads any more. */
  give({ buffer, byteLength }: { buffer: ArrayBuffer; byteLength: number }): void {
    const kept = buffer.byteLength >= LEAST_KEPT_BYTES && buffer.byteLength <= MOST_KEPT_BYTES && byteLength > 0;
    if (kept && this.#kept.length < MOST_KEPT) this.#kept.push(builtin("node:buffer", "BufferPool").Buffer.from(buffer));
  }
}

/** Whether two views hold the same bytes. */
export function equalBytes(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): boolean {
  return builtin("node:buffer", "equalBytes").Buffer.compare(a, b) === 0;
}

/** A buffer that doubles when it is full. */
export class GrowingBytes {
  buffer: Bytes;
  used = 0;
  readonly #pool: BufferPool;

  constructor(size: number, pool: BufferPool) {
    this.#pool = pool;
    this.buffer = pool.take(size);
  }

  /** Makes room for so many bytes after those in use. */
  ensure(more: number): void {
    if (this.used + more <= this.buffer.length) return;
    const larger = this.#pool.take(Math.max(2 * this.buffer.length, this.used + more));
    larger.set(this.bytes);
    this.#pool.give(this.buffer);
    this.buffer = larger;
  }

  /** An unsigned whole number below 2^53 in groups of seven bits, the lowest first. */
  varint(value: number): void {
    this.ensure(8);
    let rest = value;
    while (rest >= 0x80) {
      this.buffer[this.used++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.buffer[this.used++] = rest;
  }

  /** The bytes in use, as a view: valid until the next write. */
  get bytes(): Bytes {
    return this.buffer.subarray(0, this.used);
  }

  /** Hands the bytes over, to be given to the pool after use, and goes on with an empty buffer of about their size. */
  take(): Bytes {
    const { bytes } = this;
    this.buffer = this.#pool.take(Math.max(1024, this.used + (this.used >> 3)));
    this.used = 0;
    return bytes;
  }
}
