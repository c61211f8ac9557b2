import { formatError } from "../format-error.ts";

/** Bytes that can be read from any place: a file, a Blob of the browser, an array. */
export interface ByteSource {
  /** What error messages call it. */
  name: string;
  /** Bytes in all. */
  size: number;
  /** Bytes `begin` (inclusive) to `end` (exclusive), in memory of their own. */
  read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

// Linux gives at most 2 GiB at a time.
const MAX_READ_BYTES = 1 << 30;

/**
 * Opens a file for reading at any place. Throws what the file system throws, and `ERR_SAFETENSORS` where the file shrinks meanwhile.
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const { open } = await import("node:fs/promises");
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    return { name: path, size, read: (begin, end) => readFully(file, path, begin, end), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readFully(file: import("node:fs/promises").FileHandle, path: string, begin: number, end: number) {
  const bytes = new Uint8Array(end - begin);
  for (let filled = 0; filled < bytes.length; ) {
    const length = Math.min(bytes.length - filled, MAX_READ_BYTES);
    const { bytesRead } = await file.read(bytes, filled, length, begin + filled);
    if (bytesRead === 0) {
      throw formatError(
        "ERR_SAFETENSORS",
        `fileSource: ${path} ended at byte ${begin + filled}, before ${end}; it shrank while it was read`,
      );
    }
    filled += bytesRead;
  }
  return bytes;
}

/** A Blob or File of the browser as a byte source. */
export function blobSource(blob: Blob, name = "blob"): ByteSource {
  return {
    name,
    size: blob.size,
    read: async (begin, end) => new Uint8Array(await blob.slice(begin, end).arrayBuffer()),
    close: async () => {},
  };
}
