import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A holder touches its lock this often; one that has not for `staleMilliseconds` is taken for dead. */
const heartbeatMilliseconds = 2_000;
const staleMilliseconds = 20_000;

interface LockOwner {
  readonly host: string;
  readonly pid: number;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function isStale(lockFile: string): Promise<boolean> {
  const status = await stat(lockFile).catch(() => undefined);
  if (!status) return false;
  if (Date.now() - status.mtimeMs > staleMilliseconds) return true;
  const owner: LockOwner | undefined = await readFile(lockFile, "utf8")
    .then(JSON.parse)
    .catch(() => undefined);
  return owner?.host === hostname() && !isAlive(owner.pid);
}

async function tryLock(lockFile: string): Promise<boolean> {
  try {
    const handle = await open(lockFile, "wx");
    await handle.writeFile(JSON.stringify({ host: hostname(), pid: process.pid } satisfies LockOwner));
    await handle.close();
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw cause;
  }
}

/**
 * Runs `work` while this process alone holds `lockFile`; others wait, and call `onWait` once.
 *
 * The lock only saves double work: two holders (after a machine slept past the stale time) do no harm, because what they make is renamed into
 * place in one step and the second rename is refused.
 */
export async function withFolderLock<T>(lockFile: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(lockFile), { recursive: true });
  let waited = false;
  while (!(await tryLock(lockFile))) {
    if (await isStale(lockFile)) {
      const aside = `${lockFile}.${randomUUID()}`;
      await rename(lockFile, aside).catch(() => undefined);
      await rm(aside, { force: true });
      continue;
    }
    if (!waited) onWait();
    waited = true;
    await sleep(200);
  }
  const heartbeat = setInterval(
    () => void utimes(lockFile, new Date(), new Date()).catch(() => undefined),
    heartbeatMilliseconds,
  );
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    await rm(lockFile, { force: true });
  }
}
