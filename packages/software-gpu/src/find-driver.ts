import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Driver, DriverKind } from "./driver.ts";
import { folderDriver, folderFault, sealedDriver } from "./driver-folder.ts";
import { environmentDriver, installedDriver } from "./installed.ts";

/** Where a driver is looked for. */
export interface FindOptions {
  /** Take only this kind; default: the environment variable `ZEPHYR_SOFTWARE_GPU`, else any, lavapipe first. */
  readonly kind?: DriverKind;
}

/** Kinds in the order of preference. */
export const driverKinds: readonly DriverKind[] = ["lavapipe", "swiftshader"];

/** The kinds that may be taken, the better first; throws on a value of `ZEPHYR_SOFTWARE_GPU` that is no kind. */
export function wantedKinds(kind: DriverKind | undefined): readonly DriverKind[] {
  const wanted = kind ?? process.env.ZEPHYR_SOFTWARE_GPU;
  if (wanted === undefined || wanted === "") return driverKinds;
  const known = driverKinds.find((name) => name === wanted);
  if (!known)
    throw new RangeError(`findDriver: ZEPHYR_SOFTWARE_GPU is "${wanted}"; set it to "lavapipe" or "swiftshader", or unset it`);
  return [known];
}

/** Where prepared drivers are kept: `$XDG_CACHE_HOME/zephyr/software-gpu`, else below `~/.cache`. */
export function cacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "zephyr", "software-gpu");
}

export function cachedFolder(kind: DriverKind): string {
  return join(cacheDirectory(), `${kind}-${process.platform}-${process.arch}`);
}

function cachedDriver(kinds: readonly DriverKind[], rejected: string[]): Driver | undefined {
  for (const folder of kinds.map(cachedFolder)) {
    if (!existsSync(folder)) continue;
    const fault = folderFault(folder);
    if (!fault) return sealedDriver(folder);
    rejected.push(`cache: ${fault}`);
  }
  return undefined;
}

/** Looks where `findDriver` looks and says why each driver that it met was not taken. */
export function searchDriver({ kind }: FindOptions): { driver: Driver | undefined; rejected: string[] } {
  const kinds = wantedKinds(kind);
  const rejected: string[] = [];
  const named = process.env.ZEPHYR_DRIVER_DIR;
  if (named) {
    const driver = folderDriver(named);
    if (!kinds.includes(driver.kind))
      throw new Error(
        `findDriver: ZEPHYR_DRIVER_DIR=${named} holds ${driver.kind}, wanted is ${kinds.join()}; unset one of the two`,
      );
    return { driver, rejected };
  }
  const present = [environmentDriver(rejected), installedDriver(rejected)].find(
    (driver) => driver && kinds.includes(driver.kind),
  );
  return { driver: present ?? cachedDriver(kinds, rejected), rejected };
}

/**
 * Finds a software Vulkan driver that is already on this machine, without touching the network.
 *
 * Order: the folder named by `ZEPHYR_DRIVER_DIR`; a complete driver that `VK_DRIVER_FILES` names; an installed lavapipe of Mesa 25 or newer;
 * our cache folder. Resolves to undefined when there is none, and off Linux. Throws when `ZEPHYR_DRIVER_DIR` names a folder without a usable driver.
 *
 * ```ts
 * const driver = await findDriver();
 * if (driver) await activateDriver(driver);
 * ```
 */
export async function findDriver(options: FindOptions = {}): Promise<Driver | undefined> {
  return process.platform === "linux" ? searchDriver(options).driver : undefined;
}
