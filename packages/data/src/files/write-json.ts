import type { Sink } from "./atomic-file.ts";
import { checkWritable } from "./check-writable.ts";
import type { Compression } from "./file-format.ts";
import { builtin } from "./node-builtins.ts";

const BLOCK_CHARACTERS = 1 << 20;

/** Sends blocks to the sink, compressed as one gzip member or zstd frame, since not every reader goes on after the first. */
async function sendBlocks(
  blocks: AsyncIterable<Uint8Array>,
  sink: Sink,
  compression: Compression,
  caller: string,
): Promise<void> {
  if (compression === "none") {
    for await (const block of blocks) await sink.append(block);
    return;
  }
  const zlib = builtin("node:zlib", caller);
  const { Readable, promises } = builtin("node:stream", caller);
  const pack = compression === "gzip" ? zlib.createGzip() : zlib.createZstdCompress();
  await promises.pipeline(Readable.from(blocks), pack, async (packed: AsyncIterable<Uint8Array>) => {
    for await (const bytes of packed) await sink.append(bytes);
  });
}

/** A row as JSON. Only a text that holds `null` can hide NaN or a hole, so only such a row is searched. */
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
  if (text.includes("null")) checkWritable(row, index, path, caller);
  return text;
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
    let block = array ? "[" : "";
    for await (const row of rows) {
      const text = stringify(row, count, path, caller);
      block += array ? `${count > 0 ? "," : ""}\n${text}` : `${text}\n`;
      count++;
      if (block.length < BLOCK_CHARACTERS) continue;
      yield Buffer.from(block);
      block = "";
    }
    if (array) block += "\n]\n";
    if (block) yield Buffer.from(block);
  }
  await sendBlocks(blocks(), sink, compression, caller);
  return count;
}
