const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;

/** Reads a chunked stream piece by piece. */
interface Cursor {
  /** The next `size` bytes, or undefined at the end of the stream; throws in the middle of them. */
  take(size: number): Promise<Uint8Array | undefined>;
}

function cursorOver(chunks: AsyncIterator<Uint8Array>): Cursor {
  let rest: Uint8Array = new Uint8Array(0);
  return {
    take: async (size) => {
      const parts: Uint8Array[] = [];
      let missing = size;
      while (missing > 0) {
        if (rest.length === 0) {
          const { value, done } = await chunks.next();
          if (done) {
            if (missing === size) return undefined;
            throw new RangeError("unexpected end of file");
          }
          rest = value;
        }
        const part = rest.subarray(0, missing);
        rest = rest.subarray(part.length);
        missing -= part.length;
        parts.push(part);
      }
      if (parts.length === 1) return parts[0]!;
      const joined = new Uint8Array(size);
      let at = 0;
      for (const part of parts) {
        joined.set(part, at);
        at += part.length;
      }
      return joined;
    },
  };
}

async function must(cursor: Cursor, size: number): Promise<Uint8Array> {
  const bytes = size === 0 ? new Uint8Array(0) : await cursor.take(size);
  if (!bytes) throw new RangeError("unexpected end of file");
  return bytes;
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);
}

/** One data frame, from its magic number to its checksum (RFC 8878, 3.1.1). */
async function* frame(magic: Uint8Array, cursor: Cursor): AsyncGenerator<Uint8Array> {
  const descriptor = await must(cursor, 1);
  const flags = descriptor[0]!;
  const singleSegment = (flags & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3]!;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][flags >> 6]!;
  yield magic;
  yield descriptor;
  yield await must(cursor, (singleSegment ? 0 : 1) + dictionaryBytes + sizeBytes);
  for (let last = false; !last; ) {
    const header = await must(cursor, 3);
    const word = littleEndian(header);
    last = (word & 1) === 1;
    const type = (word >> 1) & 3;
    if (type === 3) throw new RangeError("a block has the reserved type");
    yield header;
    yield await must(cursor, type === 1 ? 1 : word >> 3);
  }
  if (flags & 4) yield await must(cursor, 4);
}

/**
 * Cuts a zstd stream into its frames by their block headers, because Node's decompressor stops silently after the first one.
 * Each yielded frame must be read to its end before the next is asked for.
 */
export async function* zstdFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<AsyncGenerator<Uint8Array>> {
  const iterator = chunks[Symbol.asyncIterator]();
  const cursor = cursorOver(iterator);
  try {
    for (let magic = await cursor.take(4); magic; magic = await cursor.take(4)) {
      const number = littleEndian(magic);
      if (number === FRAME_MAGIC) yield frame(magic, cursor);
      else if (number >= SKIPPABLE_MAGIC && number < SKIPPABLE_MAGIC + 16) {
        const size = littleEndian(await must(cursor, 4));
        for (let left = size; left > 0; left -= 65536) await must(cursor, Math.min(left, 65536));
      } else throw new RangeError("no zstd frame where one should start");
    }
  } finally {
    await iterator.return?.();
  }
}
