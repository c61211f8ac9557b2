import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { loadOrder } from "./elf.ts";

/** `lavapipe` is Mesa's driver (has shader-f16, 3 to 5 times faster); `swiftshader` is Chromium's. */
export type DriverKind = "lavapipe" | "swiftshader";

/** A software Vulkan driver that lies on this machine. */
export interface Driver {
  readonly kind: DriverKind;
  /** Where it came from, for people. */
  readonly description: string;
  /** The Vulkan loader's JSON manifest of the driver. */
  readonly icdFile: string;
  /** Folders with libraries that the system's linker does not search; empty for an installed driver. */
  readonly searchDirectories: readonly string[];
  /** What a child process needs in its environment from the start to use the driver. */
  readonly environment: { readonly VK_DRIVER_FILES: string; readonly LD_LIBRARY_PATH?: string };
}

export const loaderName = "libvulkan.so.1";

/** The kind that a driver library's file name tells, undefined for a hardware driver. */
export function kindOfLibrary(library: string): DriverKind | undefined {
  const name = basename(library);
  if (/^libvulkan_lvp\b/.test(name)) return "lavapipe";
  return /^libvk_swiftshader\b/.test(name) ? "swiftshader" : undefined;
}

/** The `library_path` and `api_version` of an ICD manifest; undefined when the file is no such manifest. */
export function readIcd(icdFile: string): { sharedObject: string; apiVersion: string } | undefined {
  let parsed: { ICD?: { library_path?: unknown; api_version?: unknown } } | null;
  try {
    parsed = JSON.parse(readFileSync(icdFile, "utf8"));
  } catch {
    return undefined;
  }
  const { library_path: sharedObject } = parsed?.ICD ?? {};
  if (typeof sharedObject !== "string") return undefined;
  return { sharedObject, apiVersion: String(parsed?.ICD?.api_version ?? "") };
}

/** Finds the file that `library_path` means: beside the manifest when it holds a slash, else in one of `directories`. */
export function locateLibrary(icdFile: string, sharedObject: string, directories: readonly string[]): string | undefined {
  const candidates = sharedObject.includes("/")
    ? [resolve(dirname(icdFile), sharedObject)]
    : directories.map((directory) => join(directory, sharedObject));
  return candidates.find((candidate) => existsSync(candidate));
}

/** The private libraries that `driver` needs, dependencies first, the Vulkan loader last; throws when one is missing. */
export function privateLibraries(driver: Driver): string[] {
  const icd = readIcd(driver.icdFile);
  const library = icd && locateLibrary(driver.icdFile, icd.sharedObject, driver.searchDirectories);
  if (!library)
    throw new Error(
      `activateDriver: ${driver.icdFile} names no library that exists; delete its folder and prepare the driver again`,
    );
  if (driver.searchDirectories.length === 0) return [];
  const loader = driver.searchDirectories.map((directory) => join(directory, loaderName)).find((file) => existsSync(file));
  return loadOrder(loader ? [library, loader] : [library], driver.searchDirectories);
}

/** Describes a driver whose libraries lie in folders of their own. */
export function privateDriver(
  kind: DriverKind,
  description: string,
  icdFile: string,
  searchDirectories: readonly string[],
): Driver {
  const inherited =
    process.env.LD_LIBRARY_PATH?.split(":").filter((path) => path !== "" && !searchDirectories.includes(path)) ?? [];
  const LD_LIBRARY_PATH = [...searchDirectories, ...inherited].join(":");
  return { kind, description, icdFile, searchDirectories, environment: { VK_DRIVER_FILES: icdFile, LD_LIBRARY_PATH } };
}
