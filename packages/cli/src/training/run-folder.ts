import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cutLog, LOG_FILE, newestGoodCheckpoint } from "@zephyr/train-webgpu";
import { usageError } from "../errors/usage-error.ts";
import { snake } from "../flags/spelling.ts";
import type { Reporter } from "../progress/progress.ts";
import { EVENT_FILE_PREFIX } from "../tensorboard/event-file.ts";
import { SAMPLES_FILE } from "./samples.ts";
import { TIMING_FILE } from "./timing.ts";

const SETTINGS_FILE = "hyperparameters.json";
const LOCK_FILE = "run.lock";
/** Rows as the run trains on them: token ids, with the reference's log-probabilities. */
export const PREPARED_FOLDER = "prepared";
/** What a run writes besides the model's own files, which are replaced as a whole. */
const OWN = new RegExp(
  `^(checkpoint-\\d+|tmp-checkpoint-.*|${PREPARED_FOLDER}|${LOG_FILE}|${TIMING_FILE}|${SAMPLES_FILE}|${EVENT_FILE_PREFIX}.*|trainer_state\\.json|${SETTINGS_FILE}|report\\.html)$`,
);

/** The output folder of a training run, held by this process. */
export interface RunFolder extends Disposable {
  path: string;
  logFile: string;
  /** The checkpoint to go on from. */
  checkpoint: string | undefined;
  /** Removes what was begun when nothing was trained yet, so that an error leaves no half output. */
  abandon(): void;
}

export interface RunFolderOptions {
  path: string;
  resume: boolean;
  overwrite: boolean;
  /** All settings that the numbers depend on, in snake_case; a resumed run must have the same. */
  settings: Record<string, unknown>;
  reporter: Reporter;
}

/**
 * Opens the output folder: refuses one that holds anything, clears it under `overwrite`, and under `resume` finds the newest good
 * checkpoint and cuts the log back to it.
 *
 * Throws a usage error when the folder is taken, or the run in it had other settings; an Error when another process writes to it.
 */
export async function openRunFolder({ path, resume, overwrite, settings, reporter }: RunFolderOptions): Promise<RunFolder> {
  const isFresh = !existsSync(path);
  const present = isFresh ? [] : readdirSync(path).filter((name) => name !== LOCK_FILE);
  if (present.length > 0 && !resume && !overwrite) {
    throw usageError(`--output ${path} is not empty; pass --resume to go on with the run in it, or --overwrite to replace it`);
  }
  mkdirSync(path, { recursive: true });
  const unlock = lock(path);
  try {
    if (overwrite && !resume) clear(path, present);
    const checkpoint = resume ? await resumePoint(path, settings, reporter) : undefined;
    writeJson(join(path, SETTINGS_FILE), settings);
    return {
      path,
      logFile: join(path, LOG_FILE),
      checkpoint,
      abandon() {
        if (checkpoint === undefined && !resume) clear(path, [SETTINGS_FILE, PREPARED_FOLDER, LOG_FILE, SAMPLES_FILE]);
        unlock();
        if (isFresh && existsSync(path) && readdirSync(path).length === 0) rmSync(path, { recursive: true });
      },
      [Symbol.dispose]: unlock,
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

async function resumePoint(path: string, settings: Record<string, unknown>, reporter: Reporter): Promise<string | undefined> {
  const { checkpoint, skipped } = await newestGoodCheckpoint(path);
  for (const { path: bad, reason } of skipped) reporter.note(`${bad} is not used: ${reason}`);
  if (checkpoint) refuseOtherSettings(path, settings);
  const { dropped } = await cutLog(join(path, LOG_FILE), checkpoint?.step ?? 0);
  // A run that starts over samples the untrained model anew.
  await cutLog(join(path, SAMPLES_FILE), checkpoint?.step ?? -1);
  const from = checkpoint ? `goes on after step ${checkpoint.step}` : "starts over: there is no good checkpoint";
  reporter.note(`${path} ${from}${dropped > 0 ? `; ${dropped} later lines of the log are dropped` : ""}`);
  return checkpoint?.path;
}

function refuseOtherSettings(path: string, settings: Record<string, unknown>): void {
  const file = join(path, SETTINGS_FILE);
  if (!existsSync(file)) return;
  const before = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  const after = JSON.parse(JSON.stringify(settings)) as Record<string, unknown>;
  const differing = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  if (differing.length === 0) return;
  const list = differing.map((name) => `${name} was ${JSON.stringify(before[name])}, is ${JSON.stringify(after[name])}`);
  throw usageError(
    `--resume: the run in ${path} had other settings (${list.join("; ")}); give the same, or --overwrite to start anew`,
  );
}

function clear(path: string, names: readonly string[]): void {
  for (const name of names) if (OWN.test(name)) rmSync(join(path, name), { recursive: true, force: true });
}

/** Two runs in one folder would tear each other's log; a lock of a process that is gone counts for nothing. */
function lock(path: string): () => void {
  const file = join(path, LOCK_FILE);
  const holder = holderOf(path);
  if (holder !== undefined && holder !== process.pid) {
    throw new Error(`${path} is being written by process ${holder}; wait for it, or choose another --output`);
  }
  writeFileSync(file, String(process.pid));
  return () => rmSync(file, { force: true });
}

/** The process of this machine that writes to a run's folder. */
export function holderOf(path: string): number | undefined {
  const file = join(path, LOCK_FILE);
  const pid = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
  return pid > 0 && isAlive(pid) ? pid : undefined;
}

/** Whether there is a process of this number on this machine. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Writes JSON to a file that appears whole. */
export function writeJson(path: string, value: unknown): void {
  writeFileSync(`${path}.partial`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${path}.partial`, path);
}

/** The settings of a run as its folder records them. */
export function recorded(flags: Record<string, unknown>, without: readonly string[]): Record<string, unknown> {
  const kept = Object.entries(flags).filter(([name, value]) => !without.includes(name) && value !== undefined);
  return Object.fromEntries(kept.map(([name, value]) => [snake(name), value]));
}
