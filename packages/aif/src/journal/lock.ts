import { readFileSync } from "node:fs";
import { open, readFile, rename, unlink } from "node:fs/promises";
import { hostname } from "node:os";

interface Holder {
  pid: number;
  host: string;
  boot_id: string;
  started: string;
}

/**
 * Takes a lock file or throws an Error with code "EAIFLOCKED" naming its holder. A lock whose process is gone (also after a
 * reboot, or when its number was given to another process) is taken over. Returns the function that releases it.
 */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  const mine: Holder = { pid: process.pid, host: hostname(), boot_id: bootId(), started: startOf(process.pid) ?? "" };
  for (let tries = 0; tries < 5; tries++) {
    if (await create(path, mine)) return () => unlink(path).catch(() => {});
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text === undefined) continue;
    const holder = parseHolder(text);
    if (holder !== undefined && isAlive(holder)) throw lockedError(path, holder);
    await removeStale(path, text);
  }
  throw Object.assign(new Error(`takeLock: ${path} is being taken by several processes at once; start one run only`), {
    code: "EAIFLOCKED",
  });
}

async function create(path: string, mine: Holder): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(JSON.stringify(mine));
    await file.sync();
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Renames before it deletes: of two runs that see the same stale lock one wins, and neither deletes the other's new lock. */
async function removeStale(path: string, seen: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const moved = await readFile(aside, "utf8").catch(() => seen);
  if (moved === seen) await unlink(aside);
  else await rename(aside, path);
}

function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text);
    return typeof holder?.pid === "number" ? holder : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, host, boot_id, started }: Holder): boolean {
  // A process on another machine cannot be looked at: its lock is believed.
  if (host !== hostname()) return true;
  if (boot_id !== bootId()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return started === "" || startOf(pid) === undefined || startOf(pid) === started;
}

function lockedError(path: string, { pid, host }: Holder): Error {
  const message = `takeLock: ${path} is held by process ${pid} on ${host}; wait for that run, or remove the file if it is certain that it is over`;
  return Object.assign(new Error(message), { code: "EAIFLOCKED" });
}

function bootId(): string {
  return readText("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
}

/** When a process started, in clock ticks since boot: tells it from a later process of the same number. */
function startOf(pid: number): string | undefined {
  // The name in parentheses may hold spaces; what follows it does not.
  return readText(`/proc/${pid}/stat`)?.split(") ").pop()?.split(" ")[19];
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
