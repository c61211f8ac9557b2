import { coded } from "./file-error.ts";
import { type JsonObject, MAX_ROW_BYTES, parseJsonl, parseRowBytes } from "./jsonl.ts";
import { builtin } from "./node-builtins.ts";

/** White space before the first row: more is no file of rows, and would have to be held until its first character. */
const MOST_LEADING_SPACE = 1 << 20;

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9;
}

/** The stream with its first chunks joined until a byte that is no white space or mark shows up, and that byte. */
async function peek(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  caller: string,
): Promise<{ first: number | undefined; chunks: AsyncGenerator<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const seen: Uint8Array[] = [];
  let first: number | undefined;
  let seenBytes = 0;
  while (first === undefined) {
    if (seenBytes > MOST_LEADING_SPACE) {
      await iterator.return?.();
      throw coded(new RangeError(`${caller}: ${path}: starts with more than ${MOST_LEADING_SPACE} bytes of space`), "TOO_LONG");
    }
    const { value, done } = await iterator.next();
    if (done) break;
    seen.push(new Uint8Array(value));
    seenBytes += (value as Uint8Array).length;
    first = (value as Uint8Array).find((byte) => !isSpace(byte) && byte !== 0xef && byte !== 0xbb && byte !== 0xbf);
  }
  async function* replay(): AsyncGenerator<Uint8Array> {
    try {
      yield* seen.splice(0);
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { first, chunks: replay() };
}

/** The rows of a `.json` file: an array of objects, or JSON Lines under the wrong ending, as many published files are. */
export async function* parseJson(source: AsyncIterable<Uint8Array>, path: string, caller: string): AsyncGenerator<JsonObject> {
  const { first, chunks } = await peek(source, path, caller);
  if (first === OPEN_ARRAY) yield* parseArray(chunks, path, caller);
  else if (first === OPEN_OBJECT) yield* parseJsonl(chunks, path, caller);
  else {
    const message = `${caller}: ${path}: starts neither with [ nor with {; a .json file must hold an array of objects`;
    throw coded(new SyntaxError(message), "NOT_JSON");
  }
}

/** Cuts the top-level array into its elements by brackets and strings only, so that one element is held at a time. */
async function* parseArray(chunks: AsyncIterable<Uint8Array>, path: string, caller: string): AsyncGenerator<JsonObject> {
  const { Buffer } = builtin("node:buffer", caller);
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let depth = 0;
  let inString = false;
  let escaped = false;
  let closed = false;
  let row = 0;
  const place = () => `${path}: row ${row}`;
  const element = (tail: Uint8Array): Uint8Array => {
    const bytes = pendingBytes > 0 ? Buffer.concat([...pending, tail]) : tail;
    pending = [];
    pendingBytes = 0;
    return bytes;
  };
  for await (const chunk of chunks) {
    let start = depth > 0 ? 0 : -1;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      if (closed) {
        if (!isSpace(byte))
          throw broken(`${caller}: ${path}: text after the end of the array, byte ${byte}; remove it`, "NOT_JSON");
      } else if (byte === QUOTE) inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (depth++ === 0) start = i + 1;
      } else if (depth === 1 && (byte === COMMA || byte === CLOSE_ARRAY)) {
        const bytes = element(chunk.subarray(start, i));
        const empty = bytes.every(isSpace);
        if (!(empty && byte === CLOSE_ARRAY && row === 0)) yield parseRowBytes(bytes, place(), caller);
        row++;
        start = i + 1;
        if (byte === CLOSE_ARRAY) {
          depth = 0;
          closed = true;
        }
      } else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --depth < 1) {
        throw broken(`${caller}: ${place()}: a bracket closes that was never opened`, "NOT_JSON");
      }
    }
    if (closed || start < 0) continue;
    pending.push(new Uint8Array(chunk.subarray(start)));
    pendingBytes += chunk.length - start;
    if (pendingBytes > MAX_ROW_BYTES)
      throw coded(new RangeError(`${caller}: ${place()}: longer than ${MAX_ROW_BYTES} bytes`), "TOO_LONG");
  }
  if (!closed) throw broken(`${caller}: ${place()}: the file ends inside the array; it is cut off`, "CUT_OFF");
}

function broken(message: string, code: "NOT_JSON" | "CUT_OFF"): Error {
  return coded(new SyntaxError(message), code);
}
