// Tries the packed packages as a new user would: `npm run tarballs`. Needs `npm run build`.
// ZEPHYR_NODE_VERSIONS="22 26" adds other versions of Node.
// An empty folder, `npm install` of two tarballs, five lines, on Node, Bun and Deno; then every package's types without skipLibCheck.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeVersions } from "../node-versions.mjs";
import { packAll, root } from "./pack.mjs";

const bin = (name) => join(root, "node_modules", ".bin", name);
const otherNodes = Object.fromEntries(Object.entries(nodeVersions()).map(([name, program]) => [name, [program]]));
const runtimes = { node: [process.execPath], ...otherNodes, bun: [bin("bun")], deno: [bin("deno"), "run", "-A"] };
const npm = process.platform === "win32" ? "npm.cmd" : "npm";

const fiveLines = `import { readRows, writeRows } from "@zephyr/data";
import { binarize } from "@zephyr/binarize";

const pairs = await writeRows("pairs.jsonl", binarize({ preset: "zephyr-paper", seed: 0 })(readRows("rated.jsonl")));
console.log(pairs.count);
`;
const completion = (model, rating) => ({
  model,
  content: `an answer of ${model}`,
  annotations: { helpfulness: { rating, rationale: "as it is" } },
});
const rated = ["sky", "sea", "sun"].map((prompt_id, i) => ({
  prompt_id,
  prompt: `Why is the ${prompt_id} so?`,
  completions: [completion("small", 1 + i), completion("large", 5)],
}));

const folder = mkdtempSync(join(tmpdir(), "zephyr-try-"));
const project = (name) => {
  const path = mkdtempSync(join(folder, `${name.replace(" ", "")}-`));
  writeFileSync(join(path, "package.json"), JSON.stringify({ private: true, type: "module" }));
  return path;
};
const install = (path, names) =>
  execFileSync(npm, ["install", "--no-audit", "--no-fund", "--prefer-offline", ...names.map((name) => tarballs.get(name))], {
    cwd: path,
    encoding: "utf8",
    stdio: "pipe",
  });
const run = (path, [program, ...args], env = {}) =>
  execFileSync(program, args, { cwd: path, encoding: "utf8", env: { ...process.env, NODE_OPTIONS: "", ...env }, stdio: "pipe" });
const check = (holds, what) => {
  if (!holds) throw new Error(what);
};

/** Five lines from rated answers to pairs. */
function fiveLinesOn(name) {
  const path = project(name);
  install(path, ["@zephyr/binarize", "@zephyr/data"]);
  writeFileSync(join(path, "rated.jsonl"), rated.map((row) => `${JSON.stringify(row)}\n`).join(""));
  writeFileSync(join(path, "pairs.mjs"), fiveLines);
  const printed = run(path, [...runtimes[name], "pairs.mjs"]);
  check(printed.trim() === "3", `printed ${printed}`);
  const rows = readFileSync(join(path, "pairs.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  check(rows.length === 3, `${rows.length} rows`);
  for (const { chosen, rejected } of rows)
    check(chosen[0].content.endsWith("large") && rejected[0].content.endsWith("small"), JSON.stringify({ chosen, rejected }));
}

/** A package without dependencies brings nothing. */
function bringsNothing(name) {
  const path = project("alone");
  install(path, [name]);
  const present = readdirSync(join(path, "node_modules")).filter((entry) => !entry.startsWith("."));
  check(present.join() === "@zephyr", `node_modules holds ${present}`);
  check(readdirSync(join(path, "node_modules/@zephyr")).join() === name.slice("@zephyr/".length), "more than the package itself");
  writeFileSync(join(path, "names.mjs"), `import * as all from "${name}"; console.log(Object.keys(all).length);`);
  for (const runtime of Object.keys(runtimes))
    check(Number(run(path, [...runtimes[runtime], "names.mjs"])) > 0, `${runtime} finds no export`);
}

/** Every package at once: types as an outsider's compiler sees them, all imports on each runtime, and the command. */
function everything() {
  const path = project("all");
  const names = [...tarballs.keys()];
  install(path, names);
  writeFileSync(join(path, "all.mts"), names.map((name, i) => `import * as p${i} from "${name}";\nvoid p${i};\n`).join(""));
  const options = { module: "NodeNext", target: "ES2023", lib: ["ES2023", "DOM", "DOM.AsyncIterable", "ESNext.Disposable"] };
  const compilerOptions = {
    ...options,
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: [],
    exactOptionalPropertyTypes: true,
  };
  writeFileSync(join(path, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["all.mts"] }));
  run(path, [process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", "."]);
  writeFileSync(join(path, "all.mjs"), `${names.map((name) => `await import("${name}");`).join("\n")}\nconsole.log("imported");`);
  for (const runtime of Object.keys(runtimes))
    check(run(path, [...runtimes[runtime], "all.mjs"]).trim() === "imported", `${runtime} cannot import them`);
  const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8"));
  const zephyr = join(path, "node_modules/@zephyr/cli/bin/zephyr.mjs");
  for (const runtime of Object.keys(runtimes))
    check(run(path, [...runtimes[runtime], zephyr, "--version"]).trim() === version, `zephyr does not start on ${runtime}`);
}

const packed = packAll(folder);
const tarballs = new Map(packed.map(({ manifest, tarball }) => [manifest.name, tarball]));
const claims = {
  ...Object.fromEntries(
    Object.keys(runtimes).map((name) => [`binarize and data, five lines on ${name}`, () => fiveLinesOn(name)]),
  ),
  "losses brings nothing": () => bringsNothing("@zephyr/losses"),
  "binarize brings nothing": () => bringsNothing("@zephyr/binarize"),
  "all packages: types, imports, the command": everything,
};
let failed = 0;
for (const [claim, test] of Object.entries(claims)) {
  const started = performance.now();
  let status = "passed";
  try {
    test();
  } catch (error) {
    failed++;
    status = `failed: ${[error.message, error.stdout, error.stderr].filter(Boolean).join("\n")}`;
  }
  console.log(`${claim.padEnd(44)} ${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${status}`);
}
rmSync(folder, { recursive: true, force: true });
console.log(`${Object.keys(claims).length - failed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
