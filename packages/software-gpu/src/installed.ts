import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Driver, kindOfLibrary, loaderName, locateLibrary, privateDriver, readIcd } from "./driver.ts";

/** Dawn refuses the lavapipe of Mesa 22; 25 is the first that it is known to accept. */
export const oldestMesa = 25;

const triplets: Readonly<Record<string, string>> = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };

function systemLibraryDirectories(root: string): string[] {
  const triplet = triplets[process.arch] ?? process.arch;
  const names = [
    `usr/lib/${triplet}`,
    `lib/${triplet}`,
    `usr/local/lib/${triplet}`,
    "usr/lib64",
    "lib64",
    "usr/lib",
    "usr/local/lib",
  ];
  return names.map((name) => join(root, name));
}

/** The major version of the Mesa that a driver library was built from, read from the text inside it. */
export function mesaMajor(library: string): number | undefined {
  const version = /Mesa (\d+)\.\d/.exec(readFileSync(library, "latin1"))?.[1];
  return version === undefined ? undefined : Number(version);
}

/**
 * The lavapipe that the system's package manager installed below `root`, if it is new enough for Dawn.
 *
 * Each driver that was seen and not taken adds a sentence to `rejected`.
 */
export function installedDriver(rejected: string[], root = "/"): Driver | undefined {
  const libraries = systemLibraryDirectories(root);
  for (const directory of ["usr/share/vulkan/icd.d", "usr/local/share/vulkan/icd.d", "etc/vulkan/icd.d"].map((name) =>
    join(root, name),
  )) {
    for (const name of existsSync(directory) ? readdirSync(directory).sort() : []) {
      const icdFile = join(directory, name);
      const icd = readIcd(icdFile);
      const library = icd && locateLibrary(icdFile, icd.sharedObject, libraries);
      if (!library || kindOfLibrary(library) !== "lavapipe") continue;
      const major = mesaMajor(library);
      if (major === undefined || major < oldestMesa)
        rejected.push(`installed: ${library} is of Mesa ${major ?? "unknown"}, Dawn needs ${oldestMesa} or newer`);
      else if (!libraries.some((folder) => existsSync(join(folder, loaderName))))
        rejected.push(`installed: ${library} is there but the Vulkan loader ${loaderName} is not`);
      else
        return {
          kind: "lavapipe",
          description: `lavapipe of Mesa ${major}, installed on the system`,
          icdFile,
          searchDirectories: [],
          environment: { VK_DRIVER_FILES: icdFile },
        };
    }
  }
  return undefined;
}

/** The software driver that the environment already names (`VK_DRIVER_FILES`, libraries beside it or on `LD_LIBRARY_PATH`), if it is complete. */
export function environmentDriver(rejected: string[]): Driver | undefined {
  const icdFile = process.env.VK_DRIVER_FILES;
  if (!icdFile) return undefined;
  const icd = readIcd(icdFile);
  const searched = process.env.LD_LIBRARY_PATH?.split(":").filter(Boolean) ?? [];
  const library = icd && locateLibrary(icdFile, icd.sharedObject, searched);
  const kind = library && kindOfLibrary(library);
  if (!kind) return undefined;
  const major = kind === "lavapipe" ? mesaMajor(library) : undefined;
  if (major !== undefined && major < oldestMesa) {
    rejected.push(`VK_DRIVER_FILES=${icdFile}: ${library} is of Mesa ${major}, Dawn needs ${oldestMesa} or newer`);
    return undefined;
  }
  const directories = [...new Set([dirname(library), ...searched])];
  if (!directories.some((directory) => existsSync(join(directory, loaderName)))) {
    rejected.push(`VK_DRIVER_FILES=${icdFile}: no ${loaderName} beside its library nor on LD_LIBRARY_PATH`);
    return undefined;
  }
  return privateDriver(kind, `${kind} named by VK_DRIVER_FILES`, icdFile, directories);
}
