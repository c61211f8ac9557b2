// How large a package is, alone and with everything that it brings along.
import { existsSync, globSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { root } from "./pack.mjs";

/** The most that a package may grow to before somebody has to decide it: kB of gzipped JavaScript, MB installed. */
const budgets = {
  aif: { script: 75, installed: 6 },
  binarize: { script: 12, installed: 0.2 },
  cli: { script: 140, installed: 170 },
  data: { script: 70, installed: 4 },
  eval: { script: 65, installed: 7 },
  losses: { script: 25, installed: 0.4 },
  "software-gpu": { script: 20, installed: 0.3 },
  "train-webgpu": { script: 90, installed: 150 },
};

/** Bytes of a folder, nested `node_modules` left out. */
function folderBytes(folder) {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === "node_modules") continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += folderBytes(path);
    else if (entry.isFile()) bytes += statSync(path).size;
  }
  return bytes;
}

/** Where Node would find `name` from `folder`. */
function installedAt(name, folder) {
  for (let at = folder; at.startsWith(root); at = join(at, "..")) {
    const path = join(at, "node_modules", name);
    if (existsSync(join(path, "package.json"))) return path;
  }
  return undefined;
}

/** Everything that installing a package brings, itself left out: its path by name. Optional dependencies count where they are installed. */
function broughtAlong({ directory, manifest }, packed, seen = new Map()) {
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    if (seen.has(name)) continue;
    const own = packed.find((each) => each.manifest.name === name);
    const path = own?.directory ?? installedAt(name, directory);
    if (path === undefined) {
      if (name in (manifest.dependencies ?? {})) throw new Error(`sizes: ${name}, of ${manifest.name}, is not installed`);
      continue;
    }
    seen.set(name, own?.unpacked ?? folderBytes(path));
    const next = own?.manifest ?? JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
    broughtAlong({ directory: path, manifest: next }, packed, seen);
  }
  return seen;
}

/** `{packed, script, own, installed, dependencies}` of a packed package: kB, kB gzipped, kB, MB, how many. */
function sizeOf(each, packed) {
  const scripts = globSync("dist/**/*.js", { cwd: each.directory });
  const script = scripts.reduce((sum, path) => sum + gzipSync(readFileSync(join(each.directory, path))).length, 0);
  const brought = broughtAlong(each, packed);
  const installed = [...brought.values()].reduce((sum, bytes) => sum + bytes, each.unpacked);
  return {
    packed: each.packed / 1e3,
    script: script / 1e3,
    own: each.unpacked / 1e3,
    installed: installed / 1e6,
    dependencies: brought.size,
  };
}

/** A table of all packages' sizes as lines of Markdown, and a fault for each that is over its budget. */
export function sizeReport(packed) {
  const faults = [];
  const rows = packed.map((each) => {
    const size = sizeOf(each, packed);
    const budget = budgets[each.name];
    if (budget === undefined) faults.push(`${each.manifest.name}: has no size budget; add one to tools/packages/sizes.mjs`);
    for (const kind of ["script", "installed"])
      if (budget && size[kind] > budget[kind])
        faults.push(`${each.manifest.name}: ${kind} size ${size[kind].toFixed(2)} is over its budget of ${budget[kind]}`);
    const cells = [size.packed.toFixed(0), size.script.toFixed(0), size.own.toFixed(0), size.installed.toFixed(2)];
    return `| \`${each.manifest.name}\` | ${cells.join(" | ")} | ${size.dependencies} |`;
  });
  const head = [
    "| package | tarball, kB | JavaScript, kB gzipped | unpacked, kB | installed with all it needs, MB | packages it brings |",
    "|---|---|---|---|---|---|",
  ];
  return { lines: [...head, ...rows], faults };
}
