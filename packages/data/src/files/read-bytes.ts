import { coded } from "./file-error.ts";
import type { Compression } from "./file-format.ts";
import { builtin } from "./node-builtins.ts";
import { zstdFrames } from "./zstd-frames.ts";

/** Small enough that what waits for the garbage collector stays small too. */
const CHUNK_BYTES = 1 << 18;

/**
 * A file's content in chunks of 256 KiB, decompressed; a cut or corrupt archive is an error that names the file. A chunk is only valid
 * until the next one is asked for: whoever keeps bytes copies them.
 */
export async function* readBytes(path: string, compression: Compression, caller: string): AsyncGenerator<Uint8Array> {
  if (compression === "none") {
    yield* plainBytes(path, caller);
    return;
  }
  const file = builtin("node:fs", caller).createReadStream(path, { highWaterMark: CHUNK_BYTES });
  try {
    yield* decompressed(file as AsyncIterable<Uint8Array>, compression, path, caller);
  } finally {
    file.destroy();
  }
}

/**
 * Reads ahead by one chunk, into two buffers in turn: a stream allocates a new one for each chunk, which costs more than the reading,
 * and leaves them all to the garbage collector. Positions are the file's own, so that a pipe can be read too.
 */
async function* plainBytes(path: string, caller: string): AsyncGenerator<Uint8Array> {
  const { Buffer } = builtin("node:buffer", caller);
  const file = await builtin("node:fs", caller).promises.open(path, "r");
  try {
    let [current, next] = [Buffer.allocUnsafeSlow(CHUNK_BYTES), Buffer.allocUnsafeSlow(CHUNK_BYTES)];
    let { bytesRead } = await file.read(current, 0, CHUNK_BYTES, null);
    while (bytesRead > 0) {
      const reading = file.read(next, 0, CHUNK_BYTES, null);
      // Whoever stops here never awaits it.
      reading.catch(() => undefined);
      yield current.subarray(0, bytesRead);
      ({ bytesRead } = await reading);
      [current, next] = [next, current];
    }
  } finally {
    await file.close();
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
