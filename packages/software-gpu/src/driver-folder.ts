import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Driver, type DriverKind, kindOfLibrary, loaderName, locateLibrary, privateDriver, readIcd } from "./driver.ts";

/**
 * A prepared driver folder: `driver.json` (this), `icd.json`, and `lib/` with every library that the system may lack.
 * All paths inside are relative, so the folder may be moved or copied to another machine of the same architecture.
 */
interface FolderManifest {
  readonly format: 1;
  readonly kind: DriverKind;
  readonly description: string;
  /** Size in bytes and SHA-256 (hex) of every other file, by its path inside the folder. */
  readonly files: Readonly<Record<string, { bytes: number; sha256: string }>>;
}

const manifestName = "driver.json";

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest("hex");
}

/** Lists a filled folder in its `driver.json`, the last file to be written. */
export async function sealFolder(folder: string, kind: DriverKind, description: string): Promise<void> {
  const files: Record<string, { bytes: number; sha256: string }> = {};
  for (const name of ["icd.json", ...(await readdir(join(folder, "lib"))).sort().map((library) => `lib/${library}`)]) {
    const path = join(folder, name);
    files[name] = { bytes: statSync(path).size, sha256: await sha256(path) };
  }
  const manifest: FolderManifest = { format: 1, kind, description, files };
  await writeFile(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
}

function readManifest(folder: string): FolderManifest | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, manifestName), "utf8"));
    return manifest?.format === 1 && typeof manifest.files === "object" ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** Why a sealed folder cannot be used, or undefined when each listed file is there in its full size. */
export function folderFault(folder: string): string | undefined {
  const manifest = readManifest(folder);
  if (!manifest) return `${join(folder, manifestName)} is missing or unreadable`;
  for (const [name, { bytes }] of Object.entries(manifest.files)) {
    const size = statSync(join(folder, name), { throwIfNoEntry: false })?.size;
    if (size !== bytes) return `${join(folder, name)} has ${size ?? "no"} bytes, expected ${bytes}`;
  }
  return undefined;
}

/** Like `folderFault`, and reads every byte to compare the checksums. */
export async function checksumFault(folder: string): Promise<string | undefined> {
  const fault = folderFault(folder);
  if (fault) return fault;
  for (const [name, expected] of Object.entries(readManifest(folder)?.files ?? {}))
    if ((await sha256(join(folder, name))) !== expected.sha256) return `${join(folder, name)} does not match its checksum`;
  return undefined;
}

/** The driver in a sealed folder whose files have been checked. */
export function sealedDriver(folder: string): Driver {
  const manifest = readManifest(folder);
  if (!manifest) throw new Error(`sealedDriver: ${folder} has no ${manifestName}`);
  return privateDriver(manifest.kind, `${manifest.description} in ${folder}`, join(folder, "icd.json"), [join(folder, "lib")]);
}

/**
 * The driver in a folder that a person made or copied: ours, or any folder with an ICD manifest and, beside the driver's library
 * or in the folder or in its `lib`, the Vulkan loader; Chromium's own folder is such a one.
 *
 * Throws when the folder holds none, naming what is missing.
 */
export function folderDriver(folder: string): Driver {
  if (existsSync(join(folder, manifestName))) {
    const fault = folderFault(folder);
    if (fault) throw new Error(`findDriver: ${fault}; prepare or copy the driver folder again`);
    return sealedDriver(folder);
  }
  const names = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
  const directories = [folder, join(folder, "lib")];
  for (const icdFile of names.filter((name) => name.endsWith(".json")).map((name) => join(folder, name))) {
    const icd = readIcd(icdFile);
    const library = icd && locateLibrary(icdFile, icd.sharedObject, directories);
    const kind = library && kindOfLibrary(library);
    if (!kind) continue;
    const used = [...new Set([dirname(library), ...directories])].filter((directory) => existsSync(directory));
    if (!used.some((directory) => existsSync(join(directory, loaderName))))
      throw new Error(`findDriver: ${folder} has ${icdFile} but no ${loaderName}; copy the Vulkan loader into it`);
    return privateDriver(kind, `${kind} in ${folder}`, icdFile, used);
  }
  throw new Error(
    `findDriver: ${folder} holds no ICD manifest (*.json) of lavapipe or SwiftShader; name a driver folder or unset the variable`,
  );
}
