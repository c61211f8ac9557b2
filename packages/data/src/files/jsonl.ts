import type { UnparsedLine } from "../rows.ts";
import { coded } from "./file-error.ts";
import { builtin } from "./node-builtins.ts";

/** One line may hold this much; a longer one is no row but a wrong file or an attack on memory. */
export const MAX_ROW_BYTES = 128 * 1024 * 1024;

const NEWLINE = 10;

export type JsonObject = Record<string, unknown>;

/** Whether a parsed value is a row: an object, not an array. */
export function isRow(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The text of one row's UTF-8 bytes; `place` is `path:line`. */
function textOf(bytes: Uint8Array, place: string, caller: string): string {
  const { Buffer, isUtf8 } = builtin("node:buffer", caller);
  if (!isUtf8(bytes)) throw coded(new SyntaxError(`${caller}: ${place}: invalid UTF-8; convert the file to UTF-8`), "NOT_UTF8");
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

function parseRow(text: string, place: string, caller: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const message = `${caller}: ${place}: not JSON (${(cause as Error).message}); each line must be one JSON object`;
    throw coded(new SyntaxError(message, { cause }), "NOT_JSON");
  }
  if (!isRow(value)) {
    const found = Array.isArray(value) ? "an array" : value === null ? "null" : `a ${typeof value}`;
    const message = `${caller}: ${place}: holds ${found}, not an object; each line must be one JSON object`;
    throw coded(new TypeError(message), "NOT_A_ROW");
  }
  return value;
}

/** Parses the UTF-8 bytes of one row; `place` is `path:line`. */
export function parseRowBytes(bytes: Uint8Array, place: string, caller: string): JsonObject {
  return parseRow(textOf(bytes, place, caller), place, caller);
}

function isBlank(line: Uint8Array): boolean {
  for (const byte of line) if (byte !== 32 && byte !== 9 && byte !== 13) return false;
  return true;
}

function withoutByteOrderMark(line: Uint8Array): Uint8Array {
  return line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? line.subarray(3) : line;
}

/** A line without its newline, numbered from 1; `complete` is false for a last line that has none. */
interface Line {
  bytes: Uint8Array;
  number: number;
  complete: boolean;
}

/** The lines of a byte stream that hold anything, as many at a time as end in one chunk; valid until the next ones are asked for. */
async function* lineBatches(chunks: AsyncIterable<Uint8Array>, path: string, caller: string): AsyncGenerator<Line[]> {
  const { Buffer } = builtin("node:buffer", caller);
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let number = 1;
  for await (const chunk of chunks) {
    const batch: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const tail = chunk.subarray(start, end);
      const whole = pendingBytes > 0 ? Buffer.concat([...pending, tail]) : tail;
      const bytes = number === 1 ? withoutByteOrderMark(whole) : whole;
      if (!isBlank(bytes)) batch.push({ bytes, number, complete: true });
      pending = [];
      pendingBytes = 0;
      start = end + 1;
      number++;
    }
    if (batch.length > 0) yield batch;
    if (start === chunk.length) continue;
    // A copy: the chunk's buffer is used again, and a small piece of a large one would keep all of it.
    pending.push(new Uint8Array(chunk.subarray(start)));
    pendingBytes += chunk.length - start;
    if (pendingBytes > MAX_ROW_BYTES) {
      const message = `${caller}: ${path}:${number}: the line is longer than ${MAX_ROW_BYTES} bytes; is the file JSON Lines?`;
      throw coded(new RangeError(message), "TOO_LONG");
    }
  }
  const rest = Buffer.concat(pending);
  const bytes = number === 1 ? withoutByteOrderMark(rest) : rest;
  if (!isBlank(bytes)) yield [{ bytes, number, complete: false }];
}

/** Runs what reads a line, and tells one that was cut off from one that is wrong. */
function reading<T>({ number, complete }: Line, path: string, caller: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (complete) throw cause;
    const message = `${caller}: ${path}:${number}: the last line is cut off (no newline, and not a whole JSON object); restore it or remove it`;
    throw coded(new SyntaxError(message, { cause }), "CUT_OFF");
  }
}

/**
 * The rows of a JSON Lines stream. Blank lines are skipped; CRLF and a byte order mark are accepted.
 * Memory is one chunk and one line.
 */
export async function* parseJsonl(chunks: AsyncIterable<Uint8Array>, path: string, caller: string): AsyncGenerator<JsonObject> {
  for await (const batch of lineBatches(chunks, path, caller)) {
    for (const line of batch)
      yield reading(line, path, caller, () => parseRowBytes(line.bytes, `${path}:${line.number}`, caller));
  }
}

/** The same rows, not parsed yet; invalid UTF-8 is thrown at once. */
export async function* parseLater(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  caller: string,
): AsyncGenerator<UnparsedLine[]> {
  for await (const batch of lineBatches(chunks, path, caller)) {
    yield batch.map((line) => {
      const place = `${path}:${line.number}`;
      const text = reading(line, path, caller, () => textOf(line.bytes, place, caller));
      return { text, parse: () => reading(line, path, caller, () => parseRow(text, place, caller)) };
    });
  }
}
