import { syncFolder } from "../files/durable-file.ts";
import { type Checkpoint, listCheckpoints } from "./checkpoint.ts";

/** Which checkpoints are kept. */
export interface RetentionOptions {
  /** How many checkpoints stay; the newest always does. */
  limit: number;
  /** A step whose checkpoint stays whatever its age, such as the best one's. */
  keep?: number | undefined;
}

/**
 * Removes the oldest checkpoints of an output folder until `limit` are left, as transformers' `save_total_limit` does: the newest and the
 * one to `keep` stay, so that with a limit of 1 there may be two. Call it after `saveCheckpoint`, never before.
 *
 * Returns what was removed. Throws `RangeError` for a limit below 1.
 *
 * @example await pruneCheckpoints("run", { limit: 2, keep: bestStep });
 */
export async function pruneCheckpoints(outputDir: string, { limit, keep }: RetentionOptions): Promise<Checkpoint[]> {
  if (!Number.isInteger(limit) || limit < 1)
    throw new RangeError(`pruneCheckpoints: limit is ${limit}; give a whole number from 1`);
  const { rename, rm } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const all = await listCheckpoints(outputDir);
  const old = all.slice(0, -1).filter(({ step }) => step !== keep);
  const removed = old.slice(0, Math.max(0, all.length - limit));
  for (const { path, step } of removed) {
    // Under this name nobody takes what is left after a kill for a checkpoint, and the next one clears it away.
    const leaving = join(outputDir, `tmp-checkpoint-${step}-old`);
    await rm(leaving, { recursive: true, force: true });
    await rename(path, leaving);
    await rm(leaving, { recursive: true, force: true });
  }
  if (removed.length > 0) await syncFolder(outputDir);
  return removed;
}
