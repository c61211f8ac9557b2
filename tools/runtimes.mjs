// Runs every packages/*/test/smoke.mjs under Node, Bun and Deno, and every examples/*.ts under Node, and prints a table.
// An example says in its first lines `// runnable`, or `// not runnable: REASON`; one that says neither counts as failed.
// `node tools/runtimes.mjs [PART...]` keeps only files whose path contains one of the parts.
// ZEPHYR_NODE_VERSIONS="22 26" adds other versions of Node.
import { spawn } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeVersions } from "./node-versions.mjs";

const root = join(import.meta.dirname, "..");
const limitSeconds = 300;
const bin = (name) => join(root, "node_modules", ".bin", name);
const source = "--conditions=zephyr-source";
const onNode = (program) => ({ sources: [program, source, "--import", "./tools/wgsl-hook.mjs"], build: [program] });
const runtimes = {
  node: onNode(process.execPath),
  ...Object.fromEntries(Object.entries(nodeVersions()).map(([name, program]) => [name, onNode(program)])),
  bun: { sources: [bin("bun"), source], build: [bin("bun")] },
  deno: { sources: [bin("deno"), "run", "-A", source], build: [bin("deno"), "run", "-A"] },
};

const manifestOf = (name) => JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8"));

/** A package and the packages of ours that it needs, directly or not. */
function closure(name, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  const { dependencies, peerDependencies, devDependencies } = manifestOf(name);
  for (const dependency of Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies }))
    if (dependency.startsWith("@zephyr/")) closure(dependency.slice("@zephyr/".length), seen);
  return seen;
}

/** Bun and Deno read a `.wgsl` file as text only where the import says so; Node does through our hook. */
const barePattern = /from\s+"[^"]+\.wgsl"(?!\s*with\s*\{\s*type:\s*"text")/;
const importsBareWgsl = (name) =>
  globSync("src/**/*.ts", { cwd: join(root, "packages", name) })
    .filter((path) => !path.endsWith(".test.ts"))
    .some((path) => barePattern.test(readFileSync(join(root, "packages", name, path), "utf8")));

/** Sources where the runtime can read them, else the build: Node below 24 does not know `using`. */
function modeOf(runtime, packageName) {
  if (Number(/^node (\d+)/.exec(runtime)?.[1] ?? 24) < 24) return "build";
  const bare = !runtime.startsWith("node") && [...closure(packageName)].some(importsBareWgsl);
  return bare ? "build" : "sources";
}

function run([program, ...args], file) {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(program, [...args, file], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    const timer = setTimeout(() => child.kill("SIGKILL"), limitSeconds * 1000);
    const done = (status) => {
      clearTimeout(timer);
      resolve({ status, output, seconds: (performance.now() - started) / 1000 });
    };
    child.on("error", (error) => done(error.message));
    child.on("close", (code, signal) =>
      done(code === 0 ? "passed" : signal === "SIGKILL" ? `stopped after ${limitSeconds} s` : `exit ${code ?? signal}`),
    );
  });
}

function smokeJobs() {
  return globSync("packages/*/test/smoke.mjs", { cwd: root })
    .sort()
    .flatMap((file) => Object.keys(runtimes).map((runtime) => ({ file, runtime, mode: modeOf(runtime, file.split("/")[1]) })));
}

function exampleJobs() {
  const jobs = [];
  for (const file of globSync("examples/*.ts", { cwd: root }).sort()) {
    const head = readFileSync(join(root, file), "utf8").split("\n").slice(0, 10).join("\n");
    const reason = /^\/\/ not runnable: (.+)$/m.exec(head)?.[1];
    if (reason) console.log(`${file} is not run: ${reason}`);
    else if (/^\/\/ runnable\b/m.test(head)) jobs.push({ file, runtime: "node", mode: "sources" });
    else jobs.push({ file, runtime: "node", mode: "sources", fault: "says neither `// runnable` nor `// not runnable: REASON`" });
  }
  return jobs;
}

/** What must be built before a job can run, undefined when nothing is missing. */
function missingBuild({ file, mode }) {
  if (mode !== "build") return undefined;
  const missing = [...closure(file.split("/")[1])].find((name) => !existsSync(join(root, "packages", name, "dist", "index.js")));
  return missing && `@zephyr/${missing} is not built; run \`npm run build\``;
}

const parts = process.argv.slice(2);
const jobs = [...smokeJobs(), ...exampleJobs()].filter(
  ({ file }) => parts.length === 0 || parts.some((part) => file.includes(part)),
);
const width = Math.max(0, ...jobs.map(({ file }) => file.length));
let failed = 0;
for (const job of jobs) {
  const fault = job.fault ?? missingBuild(job);
  const result = fault ? { status: fault, output: "", seconds: 0 } : await run(runtimes[job.runtime][job.mode], job.file);
  const { status, output, seconds } = result;
  console.log(
    `${job.file.padEnd(width)}  ${job.runtime.padEnd(7)}  ${job.mode.padEnd(7)}  ${seconds.toFixed(1).padStart(6)} s  ${status}`,
  );
  if (status === "passed") continue;
  failed++;
  for (const line of output.trimEnd().split("\n").filter(Boolean).slice(-25)) console.log(`    ${line}`);
}
console.log(`${jobs.length - failed} passed, ${failed} failed`);
if (failed > 0 || jobs.length === 0) process.exitCode = 1;
if (jobs.length === 0)
  console.error(`runtimes: no smoke test and no example has ${parts.join(" or ") || "been written"} in its path`);
