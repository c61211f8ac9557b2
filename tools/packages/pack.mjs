// Packs every package as `npm publish` would.
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

export const root = join(import.meta.dirname, "../..");
const npm = process.platform === "win32" ? "npm.cmd" : "npm";

/** Every package: its folder's name, its manifest, and where it lies. */
export function listPackages() {
  return globSync("packages/*/package.json", { cwd: root })
    .sort()
    .map((path) => {
      const directory = dirname(join(root, path));
      return { name: basename(directory), directory, manifest: JSON.parse(readFileSync(join(root, path), "utf8")) };
    });
}

/** Tarballs of all packages in `folder`: `{name, directory, manifest, tarball, packed, unpacked, files}`, sizes in bytes. */
export function packAll(folder) {
  const packages = listPackages();
  const output = execFileSync(npm, ["pack", "--json", "--pack-destination", folder, "--workspaces"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 2 ** 26,
  });
  // npm 11 prints a list, npm 12 an object by name.
  const packed = Object.values(JSON.parse(output));
  return packages.map((each) => {
    const found = packed.find(({ name }) => name === each.manifest.name);
    if (found === undefined) throw new Error(`packAll: npm pack did not pack ${each.manifest.name}`);
    const { filename, size, unpackedSize, files } = found;
    const tarball = join(folder, filename.replace(/^@/, "").replace("/", "-"));
    return { ...each, tarball, packed: size, unpacked: unpackedSize, files: files.map(({ path }) => path) };
  });
}
