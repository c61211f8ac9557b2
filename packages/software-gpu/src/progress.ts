import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { DriverKind } from "./driver.ts";

/** One report of how far preparing a driver has come. */
export interface PrepareProgress {
  readonly kind: DriverKind;
  readonly stage: "wait" | "lists" | "download" | "unpack" | "verify" | "skipped";
  /** One short sentence for people. */
  readonly message: string;
  /** Bytes done in this stage; 0 where a stage counts nothing. */
  readonly bytes: number;
  /** Bytes this stage will come to, where known. */
  readonly totalBytes?: number;
}

/** Is told what is going on while a driver is prepared. */
export type OnProgress = (progress: PrepareProgress) => void;

async function directoryBytes(directory: string): Promise<number> {
  // Files come and go while another program writes here: what vanished counts as nothing.
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        (file) => file.size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Reports the bytes in `directory` four times a second while `work` writes there. */
export async function whileWatchingBytes<T>(
  directory: string,
  report: (bytes: number) => void,
  work: () => Promise<T>,
): Promise<T> {
  let last = -1;
  const look = async () => {
    const bytes = await directoryBytes(directory);
    if (bytes > last) report(bytes);
    last = Math.max(last, bytes);
  };
  const timer = setInterval(look, 250);
  try {
    const result = await work();
    await look();
    return result;
  } finally {
    clearInterval(timer);
  }
}
