import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { osRelease } from "./apt-sources.ts";
import { type Driver, type DriverKind, privateLibraries } from "./driver.ts";
import { checksumFault, folderFault, sealedDriver, sealFolder } from "./driver-folder.ts";
import { fetchLavapipe } from "./fetch-lavapipe.ts";
import { fetchSwiftshader } from "./fetch-swiftshader.ts";
import { cachedFolder, type FindOptions, searchDriver, wantedKinds } from "./find-driver.ts";
import { withFolderLock } from "./folder-lock.ts";
import type { OnProgress } from "./progress.ts";

/** Which driver is prepared, and where to. */
export interface PrepareOptions extends FindOptions {
  readonly onProgress?: OnProgress;
  /** Whether lavapipe may be had through apt's tools; default true. They need no root and change nothing outside the cache folder. */
  readonly allowApt?: boolean;
}

/** How a driver is looked for, and prepared where none is found. */
export interface EnsureOptions extends PrepareOptions {
  /** Whether a driver may be downloaded (52 MB for lavapipe, 67 MB for SwiftShader); default true. */
  readonly allowDownload?: boolean;
}

const abandonedMilliseconds = 60 * 60 * 1000;

/** Staging folders of processes that were killed are removed after an hour. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(dirname(folder))) {
    if (!name.startsWith(`${basename(folder)}.preparing-`)) continue;
    const path = join(dirname(folder), name);
    const changed = (await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (Date.now() - changed > abandonedMilliseconds) await rm(path, { recursive: true, force: true });
  }
}

/**
 * Makes a driver folder: filled under a temporary name, listed with checksums, checked, then renamed into place.
 *
 * A folder that is there and whole is kept; one that is damaged is made again. Two processes at once: the second waits and uses the first's.
 */
export async function prepareFolder(
  folder: string,
  kind: DriverKind,
  fill: (folder: string, onProgress: OnProgress) => Promise<string>,
  onProgress: OnProgress,
): Promise<Driver> {
  const onWait = () => onProgress({ kind, stage: "wait", message: "another process is preparing the driver", bytes: 0 });
  return withFolderLock(`${folder}.lock`, onWait, async () => {
    if (existsSync(folder)) {
      onProgress({ kind, stage: "verify", message: folder, bytes: 0 });
      if ((await checksumFault(folder)) === undefined) return sealedDriver(folder);
      await rm(folder, { recursive: true });
    }
    await mkdir(dirname(folder), { recursive: true });
    await removeAbandoned(folder);
    const staging = await mkdtemp(`${folder}.preparing-`);
    try {
      const description = await fill(staging, onProgress);
      onProgress({ kind, stage: "verify", message: description, bytes: 0 });
      await sealFolder(staging, kind, description);
      privateLibraries(sealedDriver(staging));
      await rename(staging, folder);
    } catch (cause) {
      await rm(staging, { recursive: true, force: true });
      // A process that did not see our lock was first: its folder is as good as ours.
      if ((cause as NodeJS.ErrnoException).code !== "ENOTEMPTY" || folderFault(folder)) throw cause;
    }
    return sealedDriver(folder);
  });
}

/** The command that gives this machine a driver when nothing else could. */
function remedy(): string {
  const packages = "mesa-vulkan-drivers libvulkan1";
  const [id, codename] = [osRelease("ID"), osRelease("VERSION_CODENAME")];
  if (id === "debian" && codename === "bookworm") return `sudo apt-get install -t ${codename}-backports ${packages}`;
  if (/debian|ubuntu/.test(`${id} ${osRelease("ID_LIKE")}`)) return `sudo apt-get update && sudo apt-get install ${packages}`;
  if (/fedora|rhel/.test(`${id} ${osRelease("ID_LIKE")}`)) return "sudo dnf install mesa-vulkan-drivers vulkan-loader";
  if (/arch/.test(`${id} ${osRelease("ID_LIKE")}`)) return "sudo pacman -S vulkan-swrast vulkan-icd-loader";
  return "install lavapipe of Mesa 25 or newer with the system's package manager, or set ZEPHYR_DRIVER_DIR to a folder with a driver";
}

function noDriver(reasons: readonly string[], advice: string): Error {
  const text = `ensureDriver: no software Vulkan driver (${reasons.join("; ") || "none is on this machine"}); to get one: ${advice}`;
  return Object.assign(new Error(text), { code: "ERR_NO_SOFTWARE_GPU" });
}

function refuseOtherSystems(): void {
  if (process.platform === "linux") return;
  throw noDriver(
    [`${process.platform} has no driver of this kind`],
    "run on Linux, or use the machine's own GPU, which WebGPU finds there",
  );
}

async function prepareKinds(options: PrepareOptions, found: readonly string[]): Promise<Driver> {
  const { allowApt = true, onProgress = () => {} } = options;
  const reasons = [...found];
  for (const kind of wantedKinds(options.kind)) {
    if (kind === "lavapipe" && !allowApt) {
      reasons.push("lavapipe: allowApt is false");
      continue;
    }
    try {
      return await prepareFolder(cachedFolder(kind), kind, kind === "lavapipe" ? fetchLavapipe : fetchSwiftshader, onProgress);
    } catch (cause) {
      const message = `${kind}: ${(cause as Error).message}`;
      reasons.push(message);
      onProgress({ kind, stage: "skipped", message, bytes: 0 });
    }
  }
  throw noDriver(reasons, remedy());
}

/**
 * Prepares a driver in the cache folder ahead of its use, or checks every byte of the one that is there.
 *
 * lavapipe comes from the packages of the machine's own Debian or Ubuntu release (52 MB, no root, nothing installed); where that cannot be,
 * SwiftShader comes from an npm package (67 MB). Throws (`code` "ERR_NO_SOFTWARE_GPU") when neither can be had, with each reason and the command
 * that helps.
 *
 * ```ts
 * await prepareDriver({ onProgress: ({ message, bytes, totalBytes }) => console.error(message, bytes, totalBytes) });
 * ```
 */
export async function prepareDriver(options: PrepareOptions = {}): Promise<Driver> {
  refuseOtherSystems();
  return prepareKinds(options, []);
}

/**
 * Finds a software Vulkan driver or prepares one.
 *
 * Looks where `findDriver` looks, then does what `prepareDriver` does. Throws (`code` "ERR_NO_SOFTWARE_GPU") when no driver can be had.
 *
 * ```ts
 * await activateDriver(await ensureDriver());
 * const adapter = await create([]).requestAdapter(); // npm "webgpu"
 * ```
 */
export async function ensureDriver(options: EnsureOptions = {}): Promise<Driver> {
  refuseOtherSystems();
  const { driver, rejected } = searchDriver(options);
  if (driver) return driver;
  if (options.allowDownload === false)
    throw noDriver([...rejected, "allowDownload is false"], `node --import @zephyr/software-gpu/prepare -e 0, or ${remedy()}`);
  return prepareKinds(options, rejected);
}
