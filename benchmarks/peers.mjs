// Starts peers.ts from the sources: finds a Node that runs TypeScript where this one is too old, and hands its exit code on.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const [major, minor] = process.versions.node.split(".").map(Number);
const runsTypeScript = major > 22 || (major === 22 && minor >= 18);
const program = runsTypeScript ? process.execPath : path("../node_modules/.bin/node");
const hook = new URL("../tools/wgsl-hook.mjs", import.meta.url).href;

const child = spawn(program, ["--conditions=zephyr-source", "--import", hook, path("peers.ts")], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`peers: ${program} cannot be started: ${error.message}; run \`npm install\` at the root`);
  process.exitCode = 1;
});
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
