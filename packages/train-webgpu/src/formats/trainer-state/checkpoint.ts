import { syncFolder, writeDurably } from "../files/durable-file.ts";
import { readJsonObject } from "../files/json-file.ts";
import { syncFiles } from "../files/staged-folder.ts";
import { formatError } from "../format-error.ts";
import { isJsonObject } from "../json/strict-json.ts";
import { LOG_FILE, syncLog } from "./log-history.ts";
import { type TrainerState, writeTrainerState } from "./trainer-state.ts";

/** Written last: the size and SHA-256 of every other file of the checkpoint. */
export const COMPLETE_FILE = "complete.json";

/** A checkpoint that is whole. */
export interface Checkpoint {
  path: string;
  step: number;
}

/**
 * Writes `checkpoint-N/` of an output folder, N being `state.globalStep`: the files of `write`, `trainer_state.json`, their checksums.
 *
 * All is written under a temporary name, synced and renamed, so `checkpoint-N` is whole whenever it exists; the log up to here is synced
 * first. On an error (a full disk) the older checkpoints are untouched and nothing is left behind. Returns the folder's path.
 *
 * @example
 * await writeCheckpoint("run", state, async (folder) => {
 *   await saveModelFolder(folder, { config, tensors });
 *   await writeSafetensors(join(folder, OPTIMIZER_FILE), moments);
 * });
 */
export async function writeCheckpoint(
  outputDir: string,
  state: TrainerState,
  write: (folder: string) => Promise<void>,
): Promise<string> {
  const { mkdir, readdir, rename, rm } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const final = join(outputDir, `checkpoint-${state.globalStep}`);
  const staging = join(outputDir, `tmp-checkpoint-${state.globalStep}`);
  const replaced = `${staging}-replaced`;
  await mkdir(outputDir, { recursive: true });
  // What an earlier process was killed over.
  for (const name of await readdir(outputDir)) {
    if (name.startsWith("tmp-checkpoint-")) await rm(join(outputDir, name), { recursive: true, force: true });
  }
  try {
    await mkdir(staging);
    await write(staging);
    await writeTrainerState(staging, state);
    await syncFiles(staging);
    await writeDurably(join(staging, COMPLETE_FILE), [JSON.stringify({ files: await fingerprints(staging) }, null, 2) + "\n"]);
    await syncLog(join(outputDir, LOG_FILE));
    if ((await readdir(outputDir)).includes(`checkpoint-${state.globalStep}`)) await rename(final, replaced);
    await rename(staging, final);
  } finally {
    for (const leftover of [staging, replaced]) await rm(leftover, { recursive: true, force: true });
  }
  await syncFolder(outputDir);
  return final;
}

interface Fingerprint {
  bytes: number;
  sha256: string;
}

async function fingerprints(folder: string): Promise<Record<string, Fingerprint>> {
  const { readdir } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const result: Record<string, Fingerprint> = {};
  for (const name of (await readdir(folder)).sort()) result[name] = await fingerprint(join(folder, name));
  return result;
}

async function fingerprint(path: string): Promise<Fingerprint> {
  const { createHash } = await import("node:crypto");
  const { createReadStream } = await import("node:fs");
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/**
 * Compares every file of a checkpoint with its checksum.
 *
 * Throws `ERR_CHECKPOINT` naming the first file that is missing, has another size or other contents.
 */
export async function verifyCheckpoint(path: string): Promise<void> {
  const { stat } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const refuse = (what: string, cause?: unknown) =>
    formatError("ERR_CHECKPOINT", `verifyCheckpoint: ${what} in ${path}; resume from another checkpoint`, cause);
  const files = (await readJsonObject(join(path, COMPLETE_FILE), "ERR_CHECKPOINT"))["files"];
  if (!isJsonObject(files) || Object.keys(files).length === 0) throw refuse(`${COMPLETE_FILE} names no files`);
  const entries = Object.entries(files).map(([name, entry]) => {
    if (!isJsonObject(entry) || !/^[\w.-]+$/.test(name)) throw refuse(`${COMPLETE_FILE} is damaged`);
    return { name, bytes: entry["bytes"], sha256: entry["sha256"] };
  });
  // Sizes first: a torn file is found before gigabytes are hashed.
  for (const { name, bytes } of entries) {
    const found = await stat(join(path, name)).catch((cause) => {
      throw refuse(`${name} is missing`, cause);
    });
    if (found.size !== bytes) throw refuse(`${name} has ${found.size} bytes, ${bytes} were written`);
  }
  for (const { name, sha256 } of entries) {
    if ((await fingerprint(join(path, name))).sha256 !== sha256) throw refuse(`${name} has other contents than were written`);
  }
}

/**
 * The newest checkpoint of an output folder that is whole, and those newer ones that are not, each with the reason.
 *
 * @example const { checkpoint, skipped } = await newestGoodCheckpoint("run");
 */
export async function newestGoodCheckpoint(
  outputDir: string,
): Promise<{ checkpoint: Checkpoint | undefined; skipped: { path: string; reason: string }[] }> {
  const skipped: { path: string; reason: string }[] = [];
  for (const checkpoint of (await listCheckpoints(outputDir)).reverse()) {
    try {
      await verifyCheckpoint(checkpoint.path);
      return { checkpoint, skipped };
    } catch (error) {
      skipped.push({ path: checkpoint.path, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { checkpoint: undefined, skipped };
}

/** The `checkpoint-N` folders of an output folder by rising step, whole or not; none if there is no such folder. */
export async function listCheckpoints(outputDir: string): Promise<Checkpoint[]> {
  const { readdir } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const entries = await readdir(outputDir, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isDirectory() && /^checkpoint-(0|[1-9]\d{0,14})$/.test(entry.name))
    .map(({ name }) => ({ path: join(outputDir, name), step: Number(name.slice("checkpoint-".length)) }))
    .sort((a, b) => a.step - b.step);
}
