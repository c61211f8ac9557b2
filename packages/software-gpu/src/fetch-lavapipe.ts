import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { formatDeb822, machineStanzas, osRelease, releaseStanzas, type SourceStanza } from "./apt-sources.ts";
import { loaderName, readIcd } from "./driver.ts";
import { loadOrder } from "./elf.ts";
import { oldestMesa } from "./installed.ts";
import { type OnProgress, whileWatchingBytes } from "./progress.ts";
import { runCommand } from "./run-command.ts";

const driverPackage = "mesa-vulkan-drivers";
const debianArchitectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** Packages that the system has already (Node runs on them), or that hold no library. */
const unneededPackage = /^(libc6|libgcc-s1|libstdc\+\+6|gcc-\d+-base|debconf|dpkg|perl-base|tar|.*-(common|data|bin))$/;

/** A package as `apt-get --print-uris` names it. */
interface DebPackage {
  readonly name: string;
  readonly version: string;
  readonly bytes: number;
}

/** Reads lines of the form `'URI' NAME_VERSION_ARCH.deb BYTES HASH`. */
export function parseUris(text: string): DebPackage[] {
  return [...text.matchAll(/^'[^']*' ([^_\s]+)_([^_\s]+)_[^_\s]+\.deb (\d+)/gm)].map(([, name = "", version = "", bytes]) => ({
    name,
    version: decodeURIComponent(version),
    bytes: Number(bytes),
  }));
}

/** The newest major version of Mesa among lines of `apt-cache madison`; 0 when none is offered. */
export function newestMesa(madison: string): number {
  const majors = [...madison.matchAll(/\|\s*(?:\d+:)?(\d+)\.[^|]*\|/g)].map(([, major]) => Number(major));
  return Math.max(0, ...majors);
}

/** Options that give apt state, lists, cache and sources of its own, so that it needs no root and leaves the system as it is. */
async function privateApt(folder: string, sources: readonly SourceStanza[]): Promise<string[]> {
  await mkdir(join(folder, "lists", "partial"), { recursive: true });
  await mkdir(join(folder, "cache", "archives", "partial"), { recursive: true });
  const sourceFile = join(folder, "machine.sources");
  await writeFile(sourceFile, formatDeb822(sources));
  const options = {
    "Dir::State": folder,
    "Dir::State::Lists": join(folder, "lists"),
    "Dir::State::status": "/dev/null",
    "Dir::Cache": join(folder, "cache"),
    "Dir::Etc::SourceList": sourceFile,
    "Dir::Etc::SourceParts": "/dev/null",
    "APT::Sandbox::User": "",
    "APT::Update::Error-Mode": "any",
    "Acquire::Languages": "none",
    "Acquire::Retries": "2",
    "Acquire::http::Timeout": "20",
    "Acquire::https::Timeout": "20",
    "Debug::NoLocking": "true",
  };
  return Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

/**
 * Fetches the package lists of the machine's own release, adding its backports only when the release's Mesa is too old.
 * Returns apt's options and the suite to prefer.
 */
async function updateLists(folder: string): Promise<{ apt: string[]; prefer: string[]; major: number }> {
  const { kept, main, suite } = releaseStanzas(await machineStanzas(), osRelease("VERSION_CODENAME"));
  if (!main || !suite) throw new Error("apt has no source for this machine's own release with the component main");
  let apt = await privateApt(folder, kept);
  await runCommand("apt-get", [...apt, "update", "-qq"]);
  const offered = async () => newestMesa(await runCommand("apt-cache", [...apt, "madison", driverPackage]));
  let major = await offered();
  if (major >= oldestMesa) return { apt, prefer: [], major };
  const backports = { ...main, types: "deb", suites: `${suite}-backports`, components: "main" };
  apt = await privateApt(folder, [...kept, backports]);
  await runCommand("apt-get", [...apt, "update", "-qq"]);
  major = await offered();
  if (major < oldestMesa)
    throw new Error(`the newest Mesa of ${suite} and ${suite}-backports is ${major || "none"}, Dawn needs ${oldestMesa}`);
  return { apt, prefer: ["-t", `${suite}-backports`], major };
}

/** Every shared object below `root`, by file name; the private LLVM folders of Debian count too. */
async function sharedObjects(root: string): Promise<Map<string, string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const found = new Map<string, string>();
  for (const entry of entries) {
    if (entry.isDirectory() || !/\.so(\.|$)/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    // A link whose target is in no package (development links) leads nowhere.
    if (existsSync(path)) found.set(entry.name, path);
  }
  return found;
}

/** Copies the driver, the loader and all they need into one flat `lib`, each under the name the linker asks for. */
async function gatherLibraries(root: string, lib: string): Promise<void> {
  const objects = await sharedObjects(root);
  const driver = objects.get("libvulkan_lvp.so");
  const loader = objects.get(loaderName);
  if (!driver || !loader) throw new Error(`the packages hold no ${driver ? loaderName : "libvulkan_lvp.so"}`);
  const directories = [...new Set([...objects.values()].map(dirname))];
  await mkdir(lib);
  for (const path of loadOrder([driver, loader], directories, { strict: true })) await copyFile(path, join(lib, basename(path)));
}

/** Writes the packages' own manifest of the driver with its library path made relative. */
async function writeIcd(root: string, icdFile: string): Promise<void> {
  const directory = join(root, "usr/share/vulkan/icd.d");
  const name = (await readdir(directory)).find((candidate) => /^lvp_icd.*\.json$/.test(candidate));
  const shipped = name && readIcd(join(directory, name));
  if (!shipped) throw new Error(`the packages hold no manifest of lavapipe in ${directory}`);
  const ICD = { library_path: "./lib/libvulkan_lvp.so", api_version: shipped.apiVersion };
  await writeFile(icdFile, `${JSON.stringify({ file_format_version: "1.0.0", ICD })}\n`);
}

/**
 * Fills `folder` with lavapipe and its libraries from the packages of this machine's own Debian or Ubuntu release, without root.
 *
 * Nothing outside `folder` is written; apt checks every package against the archive's signature. Resolves to a description.
 * Throws when the machine has no apt, no network, or a release whose newest Mesa is too old.
 */
export async function fetchLavapipe(folder: string, onProgress: OnProgress): Promise<string> {
  const report = (stage: "lists" | "download" | "unpack", message: string, bytes = 0, totalBytes?: number) =>
    onProgress({ kind: "lavapipe", stage, message, bytes, ...(totalBytes === undefined ? {} : { totalBytes }) });
  const architecture = (await runCommand("dpkg", ["--print-architecture"])).trim();
  if (architecture !== debianArchitectures[process.arch])
    throw new Error(`packages are ${architecture}, this process is ${process.arch}`);

  report("lists", "reading the package lists of this machine's release");
  const { apt, prefer, major } = await updateLists(join(folder, "apt"));
  const wanted = ["--no-install-recommends", "--print-uris", "-y", "-qq", ...prefer, "install", driverPackage, "libvulkan1"];
  const packages = parseUris(await runCommand("apt-get", [...apt, ...wanted])).filter(({ name }) => !unneededPackage.test(name));
  const totalBytes = packages.reduce((sum, { bytes }) => sum + bytes, 0);

  const debs = join(folder, "deb");
  await mkdir(debs);
  const message = `${packages.length} packages of Mesa ${major}`;
  const exact = packages.map(({ name, version }) => `${name}=${version}`);
  const download = () => runCommand("sh", ["-c", 'cd "$0" && exec apt-get "$@"', debs, ...apt, "download", "-qq", ...exact]);
  await whileWatchingBytes(debs, (bytes) => report("download", message, Math.min(bytes, totalBytes), totalBytes), download);

  const root = join(folder, "root");
  let unpacked = 0;
  for (const deb of (await readdir(debs)).sort()) {
    report("unpack", deb, unpacked++, packages.length);
    await runCommand("dpkg-deb", ["-x", join(debs, deb), root]);
  }
  await gatherLibraries(root, join(folder, "lib"));
  await writeIcd(root, join(folder, "icd.json"));
  for (const name of ["apt", "deb", "root"]) await rm(join(folder, name), { recursive: true });
  const version = packages.find(({ name }) => name === driverPackage)?.version;
  return `lavapipe of Mesa ${version} (${osRelease("PRETTY_NAME")})`;
}
