import { syncFolder } from "./durable-file.ts";

interface StagedFolderOptions {
  /** Writes the files, flat, into the folder it is given. */
  write: (staging: string) => Promise<void>;
  /** The file without which nobody takes the folder for complete: it goes first and comes last. */
  marker: string;
  /** Files of an older state that must not stay beside the new ones. */
  replaces: RegExp;
}

/**
 * Writes a folder of files so that a reader finds the old state, none, or the new one, never a mixture.
 *
 * A folder that does not exist appears whole, by one rename. In one that exists (a training run's output) the marker is removed, then
 * the old files, then the new ones are moved in, the marker last. An error before that leaves the folder as it was.
 */
export async function writeFolder(folder: string, { write, marker, replaces }: StagedFolderOptions): Promise<void> {
  const { mkdir, rename, rm, stat } = await import("node:fs/promises");
  const { dirname, join, resolve } = await import("node:path");
  const target = resolve(folder);
  const existing = await stat(target).then(
    () => true,
    () => false,
  );
  const staging = existing ? join(target, ".partial") : `${target}.partial`;
  try {
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging, { recursive: true });
    await write(staging);
    await syncFiles(staging);
    if (existing) await moveInto(target, staging, marker, replaces);
    else await rename(staging, target);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  await syncFolder(dirname(target));
}

/** Makes the contents of all files of a folder, and their names, survive a power cut. */
export async function syncFiles(folder: string): Promise<void> {
  const { open, readdir } = await import("node:fs/promises");
  const { join } = await import("node:path");
  for (const name of await readdir(folder)) {
    const file = await open(join(folder, name), "r+");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
  await syncFolder(folder);
}

async function moveInto(target: string, staging: string, marker: string, replaces: RegExp): Promise<void> {
  const { readdir, rename, rm } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const fresh = await readdir(staging);
  await rm(join(target, marker), { force: true });
  await syncFolder(target);
  for (const name of await readdir(target)) {
    if (replaces.test(name)) await rm(join(target, name), { force: true });
  }
  const markerLast = [...fresh.filter((name) => name !== marker), ...fresh.filter((name) => name === marker)];
  for (const name of markerLast) {
    if (name === marker) await syncFolder(target);
    await rename(join(staging, name), join(target, name));
  }
  await syncFolder(target);
}
