import { coded } from "./file-error.ts";
import type { Compression } from "./file-format.ts";
import { builtin } from "./node-builtins.ts";
import { zstdFrames } from "./zstd-frames.ts";

/** Small enough that what waits for the garbage collector stays small too. */
const CHUNK_BYTES = 1 << 18;

/** A file's content in chunks of 256 KiB, decompressed; a cut or corrupt archive is an error that names the file. */
export async function* readBytes(path: string, compression: Compression, caller: string): AsyncGenerator<Uint8Array> {
  const file = builtin("node:fs", caller).createReadStream(path, { highWaterMark: CHUNK_BYTES });
  try {
    yield* decompressed(file as AsyncIterable<Uint8Array>, compression, path, caller);
  } finally {
    file.destroy();
  }
}

/** A byte stream without its compression. */
export async function* decompressed(
  bytes: AsyncIterable<Uint8Array>,
  compression: Compression,
  place: string,
  caller: string,
): AsyncGenerator<Uint8Array> {
  if (compression === "none") {
    yield* bytes;
    return;
  }
  const zlib = builtin("node:zlib", caller);
  try {
    if (compression === "gzip") yield* unpack(bytes, zlib.createGunzip({ chunkSize: CHUNK_BYTES }), caller);
    else
      for await (const frame of zstdFrames(bytes))
        yield* unpack(frame, zlib.createZstdDecompress({ chunkSize: CHUNK_BYTES }), caller);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall) throw cause;
    const message = `${caller}: ${place}: the ${compression} data is corrupt or cut off (${(cause as Error).message}); fetch the file again`;
    throw coded(new Error(message, { cause }), "BAD_ARCHIVE");
  }
}

async function* unpack(
  packed: AsyncIterable<Uint8Array>,
  codec: NodeJS.ReadWriteStream & { destroy(error?: Error): void },
  caller: string,
): AsyncGenerator<Uint8Array> {
  const source = builtin("node:stream", caller).Readable.from(packed, { objectMode: false, highWaterMark: CHUNK_BYTES });
  source.on("error", (error) => codec.destroy(error));
  try {
    yield* source.pipe(codec) as AsyncIterable<Uint8Array>;
  } finally {
    source.destroy();
    codec.destroy();
  }
}
