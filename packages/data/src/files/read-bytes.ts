import type { Compression } from "./file-format.ts";
import { builtin } from "./node-builtins.ts";
import { zstdFrames } from "./zstd-frames.ts";

const CHUNK_BYTES = 1 << 20;

/** A file's content in chunks of about 1 MiB, decompressed; a cut or corrupt archive is an error that names the file. */
export async function* readBytes(path: string, compression: Compression, caller: string): AsyncGenerator<Uint8Array> {
  const { createReadStream } = builtin("node:fs", caller);
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  try {
    if (compression === "none") yield* file as AsyncIterable<Uint8Array>;
    else if (compression === "gzip") yield* gunzip(file, caller);
    else yield* unzstd(file, caller);
  } catch (cause) {
    if (compression === "none" || (cause as NodeJS.ErrnoException).syscall) throw cause;
    throw new Error(
      `${caller}: ${path}: the ${compression} data is corrupt or cut off (${(cause as Error).message}); fetch the file again`,
      { cause },
    );
  } finally {
    file.destroy();
  }
}

async function* gunzip(file: AsyncIterable<Uint8Array>, caller: string): AsyncGenerator<Uint8Array> {
  yield* unpack(file, builtin("node:zlib", caller).createGunzip({ chunkSize: CHUNK_BYTES }), caller);
}

async function* unzstd(file: AsyncIterable<Uint8Array>, caller: string): AsyncGenerator<Uint8Array> {
  for await (const frame of zstdFrames(file)) {
    yield* unpack(frame, builtin("node:zlib", caller).createZstdDecompress({ chunkSize: CHUNK_BYTES }), caller);
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
