import { builtin } from "./node-builtins.ts";

/** Where a file's bytes go. */
export interface Sink {
  append(bytes: Uint8Array): Promise<void>;
  /** Empties the file again, and returns the path of a copy of what it held; the caller removes the copy. */
  restart(): Promise<string>;
}

let written = 0;

/** So much goes to the disk while more is written, or all of it would be waited for at the end. */
const SYNC_BYTES = 4 << 20;

/**
 * Writes a file under a temporary name beside it, syncs it and renames it, so that `path` holds either the old content or the
 * whole new one. When `write` fails, the temporary file is removed.
 */
export async function writeAtomically<T>(path: string, caller: string, write: (sink: Sink) => Promise<T>): Promise<T> {
  const { promises: fs } = builtin("node:fs", caller);
  const { dirname, join, basename } = builtin("node:path", caller);
  const temporary = join(dirname(path), `.${basename(path)}.${globalThis.process.pid}-${written++}.tmp`);
  const file = await fs.open(temporary, "wx");
  try {
    let position = 0;
    let synced = 0;
    let syncing: Promise<void> | undefined;
    const sync = async (): Promise<void> => {
      synced = position;
      await file.datasync();
      syncing = undefined;
    };
    const result = await write({
      append: async (bytes) => {
        for (let offset = 0; offset < bytes.length; ) {
          const { bytesWritten } = await file.write(bytes, offset, bytes.length - offset, position);
          offset += bytesWritten;
          position += bytesWritten;
        }
        if (syncing !== undefined || position - synced < SYNC_BYTES) return;
        syncing = sync();
        // Awaited at the end; it stays there if it failed.
        syncing.catch(() => undefined);
      },
      restart: async () => {
        const copy = `${temporary}.copy`;
        await fs.copyFile(temporary, copy);
        await file.truncate(0);
        position = synced = 0;
        return copy;
      },
    });
    await syncing;
    await file.sync();
    await file.close();
    await fs.rename(temporary, path);
    await syncFolder(dirname(path), caller);
    return result;
  } catch (cause) {
    await file.close().catch(() => undefined);
    await fs.rm(temporary, { force: true });
    await fs.rm(`${temporary}.copy`, { force: true });
    throw cause;
  }
}

/** Makes a rename durable; Windows cannot open folders and needs no such step. */
async function syncFolder(path: string, caller: string): Promise<void> {
  if (globalThis.process.platform === "win32") return;
  const folder = await builtin("node:fs", caller).promises.open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
