import type { WrittenAsLines } from "../rows.ts";
import type { Sink } from "./atomic-file.ts";
import { checkWritable } from "./check-writable.ts";
import type { Compression } from "./file-format.ts";
import { builtin } from "./node-builtins.ts";

const BLOCK_BYTES = 1 << 18;

/**
 * Sends blocks to the sink, compressed as one gzip member or zstd frame, since not every reader goes on after the first. A block must stay
 * as it is until the one after the next is asked for: it is written while the next one is made.
 */
async function sendBlocks(
  blocks: AsyncIterable<Uint8Array>,
  sink: Sink,
  compression: Compression,
  caller: string,
): Promise<void> {
  if (compression === "none") {
    let writing: Promise<void> = Promise.resolve();
    for await (const block of blocks) {
      await writing;
      writing = sink.append(block);
      // Awaited above or below; until then it is nobody's.
      writing.catch(() => undefined);
    }
    await writing;
    return;
  }
  const zlib = builtin("node:zlib", caller);
  const { Readable, promises } = builtin("node:stream", caller);
  const pack = compression === "gzip" ? zlib.createGzip() : zlib.createZstdCompress();
  async function* copies(): AsyncGenerator<Uint8Array> {
    for await (const block of blocks) yield new Uint8Array(block);
  }
  await promises.pipeline(Readable.from(copies()), pack, async (packed: AsyncIterable<Uint8Array>) => {
    for await (const bytes of packed) await sink.append(bytes);
  });
}

/** A row as JSON. Only a text that holds `null` can hide NaN or a hole, and one with `{}` a Map: only such a row is searched. */
function stringify(row: unknown, index: number, path: string, caller: string): string {
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    throw new TypeError(
      `${caller}: ${path}: row ${index} is ${Array.isArray(row) ? "an array" : row === null ? "null" : `a ${typeof row}`}, not an object`,
    );
  }
  for (const value of Object.values(row)) {
    if (typeof value === "bigint" || typeof value === "function" || ArrayBuffer.isView(value))
      checkWritable(row, index, path, caller);
  }
  let text: string;
  try {
    text = JSON.stringify(row);
  } catch (cause) {
    checkWritable(row, index, path, caller);
    throw new TypeError(`${caller}: ${path}: row ${index} cannot be written as JSON (${(cause as Error).message})`, { cause });
  }
  if (text.includes("null") || text.includes("{}")) checkWritable(row, index, path, caller);
  return text;
}

/** The texts of rows, some at a time. */
async function* textsOf(rows: AsyncIterable<object>, path: string, caller: string): AsyncGenerator<readonly string[]> {
  if ("jsonLines" in rows) {
    yield* (rows as WrittenAsLines<object>).jsonLines();
    return;
  }
  let index = 0;
  for await (const row of rows) yield [stringify(row, index++, path, caller)];
}

/** Writes rows as JSON Lines or as one JSON array with a row per line; returns how many. */
export async function writeJson(
  rows: AsyncIterable<object>,
  {
    sink,
    path,
    array,
    compression,
    caller,
  }: { sink: Sink; path: string; array: boolean; compression: Compression; caller: string },
): Promise<number> {
  const { Buffer } = builtin("node:buffer", caller);
  let count = 0;
  async function* blocks(): AsyncGenerator<Uint8Array> {
    let [buffer, other] = [Buffer.allocUnsafeSlow(BLOCK_BYTES), Buffer.allocUnsafeSlow(BLOCK_BYTES)];
    let used = array ? buffer.write("[") : 0;
    for await (const batch of textsOf(rows, path, caller)) {
      for (const json of batch) {
        const text = array ? `${count > 0 ? "," : ""}\n${json}` : `${json}\n`;
        count++;
        // A UTF-16 unit takes at most 3 bytes.
        if (used + 3 * text.length > BLOCK_BYTES) {
          yield buffer.subarray(0, used);
          [buffer, other] = [other, buffer];
          used = 0;
        }
        if (3 * text.length > BLOCK_BYTES) yield Buffer.from(text);
        else used += buffer.write(text, used);
      }
    }
    if (array) {
      yield buffer.subarray(0, used);
      [buffer, other] = [other, buffer];
      used = buffer.write("\n]\n");
    }
    if (used > 0) yield buffer.subarray(0, used);
  }
  await sendBlocks(blocks(), sink, compression, caller);
  return count;
}
