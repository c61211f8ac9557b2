import type { FileHandle } from "node:fs/promises";

type Bytes = Uint8Array | string;

/**
 * Writes a file so that its name only ever stands for the whole of it: to a temporary name beside it, synced, renamed, the folder synced.
 *
 * On an error (a full disk) the temporary file is removed, the old file is untouched, and the error is thrown on.
 *
 * @example await writeDurably("run/trainer_state.json", [text]);
 */
export async function writeDurably(path: string, chunks: Iterable<Bytes> | AsyncIterable<Bytes>): Promise<void> {
  const { open, rename, rm } = await import("node:fs/promises");
  const { dirname } = await import("node:path");
  const partial = `${path}.partial`;
  try {
    const file = await open(partial, "w");
    try {
      for await (const chunk of chunks) await writeAll(file, chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

async function writeAll(file: FileHandle, chunk: Bytes): Promise<void> {
  const bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
  for (let written = 0; written < bytes.length; ) {
    written += (await file.write(bytes, written, bytes.length - written)).bytesWritten;
  }
}

/** Makes the names in a folder (creations, renames) survive a power cut, where the system can. */
export async function syncFolder(folder: string): Promise<void> {
  const { open } = await import("node:fs/promises");
  // Windows cannot open a folder; there a rename is durable by itself.
  const handle = await open(folder, "r").catch(() => undefined);
  try {
    await handle?.sync().catch(() => undefined);
  } finally {
    await handle?.close();
  }
}
