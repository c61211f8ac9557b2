import type { Compressors } from "hyparquet";
import { builtin } from "../files/node-builtins.ts";

/** A page below this is done at once: the way to another thread and back takes longer. */
const THREAD_FROM_BYTES = 32 * 1024;
/** What zlib allocates beyond a page's size, so that it need not ask for more to find that there is none. */
const SPARE_BYTES = 64;
/** A page may claim more than it holds: no more than this is allocated before the bytes are there. */
const MOST_CHUNK_BYTES = 2 ** 22;

/** Packed pages grow in steps of this: what is allocated for more than a page turns out to take drives the garbage collector. */
const STEP_BYTES = 2 ** 19;

/** Packs a page; may take another thread. */
export interface Packer {
  codec: "ZSTD" | "GZIP";
  pack(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

type Done = (error: Error | null, result: Uint8Array) => void;

function promised(start: (done: Done) => void): Promise<Uint8Array> {
  return new Promise((resolve, reject) => start((error, result) => (error ? reject(error) : resolve(result))));
}

/** Native compression: zstd, or gzip in a runtime whose zlib has no zstd (both are read by pyarrow, polars and datasets). */
export function nativePacker(caller: string): Packer {
  const zlib = builtin("node:zlib", caller);
  const chunkSize = (bytes: Uint8Array): number => Math.min(STEP_BYTES, bytes.length + 1024);
  if (typeof zlib.zstdCompress !== "function") {
    const options = (bytes: Uint8Array) => ({ level: 1, chunkSize: chunkSize(bytes) });
    return {
      codec: "GZIP",
      pack: (bytes) =>
        bytes.length < THREAD_FROM_BYTES
          ? zlib.gzipSync(bytes, options(bytes))
          : promised((done) => zlib.gzip(bytes, options(bytes), done)),
    };
  }
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: 1 };
  const options = (bytes: Uint8Array) => ({ params, chunkSize: chunkSize(bytes) });
  return {
    codec: "ZSTD",
    pack: (bytes) =>
      bytes.length < THREAD_FROM_BYTES
        ? zlib.zstdCompressSync(bytes, options(bytes))
        : promised((done) => zlib.zstdCompress(bytes, options(bytes), done)),
  };
}

/** Unpacks a page to exactly `size` bytes, or throws; may take another thread. */
export type Unpacker = (bytes: Uint8Array, size: number) => Uint8Array | Promise<Uint8Array>;

/** Decompression by codec, native where the runtime has it, bounded by the size that the page's header names. */
export async function unpackers(caller: string): Promise<(codec: string) => Unpacker> {
  const { compressors } = (await import("hyparquet-compressors")) as { compressors: Compressors };
  const zlib = builtin("node:zlib", caller);
  const options = (size: number) => ({
    maxOutputLength: size + SPARE_BYTES,
    chunkSize: Math.min(size, MOST_CHUNK_BYTES) + SPARE_BYTES,
  });
  const native: Record<string, Unpacker> = {
    GZIP: (bytes, size) =>
      size < THREAD_FROM_BYTES
        ? zlib.gunzipSync(bytes, options(size))
        : promised((done) => zlib.gunzip(bytes, options(size), done)),
    BROTLI: (bytes, size) => zlib.brotliDecompressSync(bytes, options(size)),
  };
  if (typeof zlib.zstdDecompress === "function") {
    native["ZSTD"] = (bytes, size) =>
      size < THREAD_FROM_BYTES
        ? zlib.zstdDecompressSync(bytes, options(size))
        : promised((done) => zlib.zstdDecompress(bytes, options(size), done));
  }
  const exact = (bytes: Uint8Array, size: number): Uint8Array => {
    if (bytes.length === size) return bytes;
    throw new RangeError(`a page claims ${size} bytes unpacked, and holds ${bytes.length}`);
  };
  return (codec) => {
    if (codec === "UNCOMPRESSED") return exact;
    const unpack =
      native[codec] ?? (compressors as Record<string, ((bytes: Uint8Array, size: number) => Uint8Array) | undefined>)[codec];
    if (!unpack) throw new RangeError(`the codec ${codec} is not supported`);
    return (bytes, size) => {
      if (size === 0) return bytes.subarray(0, 0);
      const unpacked = unpack(bytes, size);
      return unpacked instanceof Uint8Array ? exact(unpacked, size) : unpacked.then((done) => exact(done, size));
    };
  };
}
