// Starts a benchmark from the sources: finds a Node that runs TypeScript where this one is too old, and hands its exit code on.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

/** Runs `script`, a path relative to this folder, with the arguments of this process. */
export function start(script) {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const runsTypeScript = major > 22 || (major === 22 && minor >= 18);
  const program = runsTypeScript ? process.execPath : path("../node_modules/.bin/node");
  const hook = new URL("../tools/wgsl-hook.mjs", import.meta.url).href;
  const options = ["--conditions=zephyr-source", "--import", hook, path(script), ...process.argv.slice(2)];
  const child = spawn(program, options, { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`${script}: ${program} cannot be started: ${error.message}; run \`npm install\` at the root`);
    process.exitCode = 1;
  });
  child.on("exit", (code) => {
    process.exitCode = code ?? 1;
  });
}
