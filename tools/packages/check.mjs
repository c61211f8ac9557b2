// Everything that can be said about the packages before they are published: `npm run packages`. Needs `npm run build`.
// Prints the table of sizes, then `N packages, M faults`.
import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { packAll, root } from "./pack.mjs";
import { sizeReport } from "./sizes.mjs";

/** What a package must and must not hold. */
function contentFaults({ manifest, directory, files }) {
  const faults = ["README.md", "LICENSE", "dist/index.js", "dist/index.d.ts"]
    .filter((path) => !files.includes(path))
    .map((path) => `${path} is missing`);
  const strange = files.filter((path) => !/^(dist|bin)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path));
  faults.push(...strange.map((path) => `${path} does not belong into the tarball`));
  if (readFileSync(join(directory, "LICENSE"), "utf8") !== readFileSync(join(root, "LICENSE"), "utf8"))
    faults.push("LICENSE differs from the repository's");
  for (const key of ["description", "license", "engines", "keywords", "sideEffects"])
    if (manifest[key] === undefined) faults.push(`package.json has no ${key}`);
  if (manifest.publishConfig?.access !== "public") faults.push('package.json has no publishConfig: {"access": "public"}');
  return faults;
}

/** What publint says, suggestions left out. */
async function publintFaults({ tarball, manifest }) {
  const { messages } = await publint({
    pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer },
    level: "warning",
    strict: true,
  });
  return messages.map((message) => `publint: ${formatMessage(message, manifest)}`);
}

/** What attw says for ESM: Node's resolution and bundlers'. There is no CommonJS and no TypeScript from before `exports`. */
async function typeFaults({ tarball }) {
  const { problems } = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))));
  return problems
    .filter(({ kind, resolutionKind, resolutionOption }) => {
      if (kind === "CJSResolvesToESM") return false;
      return !["node10", "node16-cjs"].includes(resolutionKind ?? resolutionOption);
    })
    .map((problem) => `attw: ${JSON.stringify(problem)}`);
}

/** `changeset version` on a copy: all packages must get one version, and require it of each other. */
function versionFaults() {
  const copy = mkdtempSync(join(tmpdir(), "zephyr-version-"));
  try {
    const paths = ["package.json", "package-lock.json", ...globSync(["packages/*/package.json", ".changeset/*"], { cwd: root })];
    for (const path of paths) {
      mkdirSync(dirname(join(copy, path)), { recursive: true });
      cpSync(join(root, path), join(copy, path));
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "dir");
    const git = (...args) =>
      execFileSync("git", ["-c", "user.name=check", "-c", "user.email=check@localhost", ...args], { cwd: copy, stdio: "ignore" });
    git("init", "-q", "-b", "main");
    git("add", "package.json", "package-lock.json", "packages", ".changeset");
    git("commit", "-qm", "before");
    const bin = join(root, "node_modules/@changesets/cli/bin.js");
    execFileSync(process.execPath, [bin, "version"], { cwd: copy, stdio: "pipe" });
    const manifests = globSync("packages/*/package.json", { cwd: copy }).map((path) =>
      JSON.parse(readFileSync(join(copy, path), "utf8")),
    );
    const versions = manifests.flatMap(({ name, version, dependencies, peerDependencies }) => [
      [name, version],
      ...Object.entries({ ...dependencies, ...peerDependencies }).filter(([each]) => each.startsWith("@zephyr/")),
    ]);
    const next = versions[0][1];
    console.log(`changeset version: all packages would be ${next}`);
    return versions
      .filter(([, version]) => version !== next)
      .map(([name, version]) => `changeset version: ${name} would be ${version}, others ${next}`);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const folder = mkdtempSync(join(tmpdir(), "zephyr-pack-"));
const faults = [];
let packed;
try {
  packed = packAll(folder);
  for (const each of packed) {
    const found = [...contentFaults(each), ...(await publintFaults(each)), ...(await typeFaults(each))];
    faults.push(...found.map((fault) => `${each.manifest.name}: ${fault}`));
  }
  const { lines, faults: oversize } = sizeReport(packed);
  faults.push(...oversize, ...versionFaults());
  console.log(lines.join("\n"));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const fault of faults) console.error(fault);
console.log(`${packed.length} packages, ${faults.length} faults`);
if (faults.length > 0) process.exitCode = 1;
