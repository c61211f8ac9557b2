import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { kindOfLibrary, loaderName } from "./driver.ts";
import { type OnProgress, whileWatchingBytes } from "./progress.ts";
import { runCommand } from "./run-command.ts";
import { readTar } from "./tar.ts";

/** The npm package that carries SwiftShader and the Vulkan loader, with its whole browser: 1.6 MB of these 67 MB are used. */
const source = {
  package: "@sparticuz/chromium@153.0.0",
  bytes: 69_995_309,
  sha512: "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==",
  member: "package/bin/swiftshader.tar.br",
};

/** Reads one member of a package tarball after checking the whole tarball against the committed SHA-512. */
export function packageMember(tarball: Uint8Array, sha512: string, member: string): Uint8Array {
  const actual = createHash("sha512").update(tarball).digest("base64");
  if (actual !== sha512) throw new Error(`the tarball has SHA-512 ${actual}, expected ${sha512}; it was not unpacked`);
  for (const { path, content } of readTar(gunzipSync(tarball))) if (path === member) return content;
  throw new Error(`the tarball has no ${member}`);
}

async function downloadTarball(folder: string, onProgress: OnProgress): Promise<Buffer> {
  const report = (bytes: number) =>
    onProgress({
      kind: "swiftshader",
      stage: "download",
      message: source.package,
      bytes: Math.min(bytes, source.bytes),
      totalBytes: source.bytes,
    });
  const cache = join(folder, "npm");
  const target = join(folder, "tarball");
  await mkdir(cache);
  await mkdir(target);
  const flags = ["--cache", cache, "--pack-destination", target, "--ignore-scripts", "--loglevel=error", "--fetch-retries=1"];
  await whileWatchingBytes(cache, report, () => runCommand("npm", ["pack", source.package, ...flags]));
  const [name] = await readdir(target);
  if (!name) throw new Error(`npm pack ${source.package} left no tarball`);
  return readFile(join(target, name));
}

/**
 * Fills `folder` with SwiftShader and the Vulkan loader from the npm package that carries them, through npm's own configuration.
 *
 * Resolves to a description. Throws on another architecture than x64, without npm or network, and when the tarball is not the one expected.
 */
export async function fetchSwiftshader(folder: string, onProgress: OnProgress): Promise<string> {
  if (process.arch !== "x64") throw new Error(`${source.package} has SwiftShader for x64 only, this process is ${process.arch}`);
  const tarball = await downloadTarball(folder, onProgress);
  onProgress({ kind: "swiftshader", stage: "unpack", message: source.member, bytes: 0 });
  const files = [...readTar(brotliDecompressSync(packageMember(tarball, source.sha512, source.member)))];
  const lib = join(folder, "lib");
  await mkdir(lib);
  const find = (isIt: (name: string) => boolean) => {
    const file = files.find(({ path }) => isIt(path.split("/").at(-1) ?? ""));
    if (!file) throw new Error(`${source.member} lacks a file; it holds ${files.map(({ path }) => path).join(", ")}`);
    return file.content;
  };
  await writeFile(
    join(lib, "libvk_swiftshader.so"),
    find((name) => kindOfLibrary(name) === "swiftshader"),
  );
  await writeFile(
    join(lib, loaderName),
    find((name) => name === loaderName),
  );
  const shipped = JSON.parse(new TextDecoder().decode(find((name) => name.endsWith("_icd.json"))));
  const icd = { ...shipped, ICD: { ...shipped.ICD, library_path: "./lib/libvk_swiftshader.so" } };
  await writeFile(join(folder, "icd.json"), `${JSON.stringify(icd)}\n`);
  for (const name of ["npm", "tarball"]) await rm(join(folder, name), { recursive: true });
  return `SwiftShader of ${source.package}`;
}
