import { readFile, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { isAlive } from "../training/run-folder.ts";

const LARGEST = 2 ** 20;
/** A file that was renewed so recently belongs to a process that lives, on another machine perhaps. */
const RECENT_SECONDS = 60;

/** A progress file under watch, as `V`. */
export interface FollowedFile<V extends object> {
  /** What it says, where that has changed since the last look. */
  poll(): Promise<V | undefined>;
  /** What it said last. */
  last(): V | undefined;
}

/**
 * Follows a JSON file that is replaced as a whole. `view` makes of it what is shown, and gives undefined for what is no such file; then,
 * and where there is none yet, nothing is new.
 */
export function followFile<V extends object>(path: string, view: (json: unknown) => V | undefined): FollowedFile<V> {
  let stamp = "";
  let json: unknown;
  let shown = "";
  let last: V | undefined;
  return {
    async poll() {
      const found = await stat(path).catch(() => undefined);
      if (!found || found.size > LARGEST) return undefined;
      const now = `${found.ino} ${found.mtimeMs} ${found.size}`;
      if (now !== stamp) json = parsed(await readFile(path, "utf8").catch(() => ""));
      stamp = now;
      // Looked at even when the file is the old one: its process may have gone.
      const next = view(json);
      const key = JSON.stringify(next);
      if (!next || key === shown) return undefined;
      [shown, last] = [key, next];
      return next;
    },
    last: () => last,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a process said about itself. */
export interface ProcessMark {
  status: string;
  pid: number;
  host: string;
  updated: number;
}

/** The status, but "stopped" for what was running until its process was killed. */
export function statusNow({ status, pid, host, updated }: ProcessMark): string {
  if (status !== "running") return status;
  const isGone = host === hostname() && !isAlive(pid);
  return isGone || Date.now() / 1000 - updated > RECENT_SECONDS ? "stopped" : "running";
}
