// The hybrid of run lengths and bit packing in which Parquet stores levels and dictionary indices.
import type { GrowingBytes } from "./growing-bytes.ts";
import { varint } from "./thrift-check.ts";

type Numbers = Uint8Array | Int32Array;

/** Writers pad runs to whole groups of eight; more than this beyond the values that a page has is a lie. */
const PADDING = 1024;

/** How many bits the numbers from 0 to `most` take. */
export function bitsFor(most: number): number {
  return 32 - Math.clz32(most);
}

function startsRun(values: Numbers, at: number, count: number): boolean {
  if (at + 8 > count) return false;
  const first = values[at];
  for (let i = at + 1; i < at + 8; i++) if (values[i] !== first) return false;
  return true;
}

function packGroup(values: Numbers, at: number, count: number, width: number, out: GrowingBytes): void {
  let [bits, held] = [0, 0];
  for (let i = at; i < at + 8; i++) {
    bits |= (i < count ? values[i]! : 0) << held;
    held += width;
    for (; held >= 8; held -= 8) {
      out.buffer[out.used++] = bits & 0xff;
      bits >>>= 8;
    }
  }
}

/** Appends the first `count` values, of at most `width` (1 to 16) bits each. */
export function encodeRuns(values: Numbers, count: number, width: number, out: GrowingBytes): void {
  for (let at = 0; at < count; ) {
    if (startsRun(values, at, count)) {
      let end = at + 8;
      while (end < count && values[end] === values[at]) end++;
      out.varint((end - at) * 2);
      out.ensure(2);
      out.buffer[out.used++] = values[at]! & 0xff;
      if (width > 8) out.buffer[out.used++] = values[at]! >> 8;
      at = end;
      continue;
    }
    let end = at + 8;
    while (end < count && !startsRun(values, end, count)) end += 8;
    const groups = (end - at) / 8;
    out.varint(groups * 2 + 1);
    out.ensure(groups * width);
    for (; at < end; at += 8) packGroup(values, at, count, width, out);
  }
}

/** Unpacks so many values of `width` bits each; bytes past the end count as zero. */
function unpack(bytes: Uint8Array, start: number, width: number, out: Numbers, from: number, to: number): void {
  let [at, bits, held] = [start, 0, 0];
  if (width <= 24) {
    const mask = (1 << width) - 1;
    for (let i = from; i < to; i++) {
      while (held < width) {
        bits |= bytes[at++]! << held;
        held += 8;
      }
      out[i] = bits & mask;
      bits >>>= width;
      held -= width;
    }
    return;
  }
  for (let i = from; i < to; i++) {
    let value = 0;
    for (let bit = 0; bit < width; bit++) {
      const place = (i - from) * width + bit;
      if ((bytes[start + (place >> 3)]! >> (place & 7)) & 1) value += 2 ** bit;
    }
    out[i] = value;
  }
}

/**
 * Fills `out` from the runs between `start` and `end`.
 *
 * @throws RangeError when they claim more values than there are, hold fewer, or run past the end.
 */
export function decodeRuns(bytes: Uint8Array, start: number, end: number, width: number, out: Numbers): void {
  if (width > 32) throw new RangeError(`numbers of ${width} bits are not supported`);
  let at = start;
  let seen = 0;
  while (seen < out.length && at < end) {
    const header = varint(bytes, at);
    at = header.end;
    const packed = header.value % 2 === 1;
    const count = packed ? ((header.value - 1) / 2) * 8 : header.value / 2;
    const left = out.length - seen;
    if (count > left + PADDING) throw new RangeError(`a run claims ${count} values where ${left} are left`);
    const until = seen + Math.min(count, left);
    if (packed) {
      if (at + Math.ceil(((until - seen) * width) / 8) > end) throw new RangeError("a packed run ends after its page");
      unpack(bytes, at, width, out, seen, until);
      at += (count / 8) * width;
    } else {
      const size = Math.ceil(width / 8);
      if (at + size > end) throw new RangeError("a run ends after its page");
      let value = 0;
      for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
      out.fill(value, seen, until);
      at += size;
    }
    seen = until;
  }
  if (seen < out.length) throw new RangeError(`its runs hold ${seen} of ${out.length} values`);
}
