#!/usr/bin/env node
// Starts the built command. A Node older than our floor hands over to the newer one that npm installed beside it.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const main = new URL("../dist/main.js", import.meta.url);
const [major, minor] = process.versions.node.split(".").map(Number);
const isOtherRuntime = "Bun" in globalThis || "Deno" in globalThis;

if (!existsSync(main)) fail("zephyr: this clone is not built; run `npm run build` at its root");
else if (isOtherRuntime || major > 22 || (major === 22 && minor >= 18)) await import(main.href);
else handOver();

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}

/** The program of the npm package `node-<platform>-<arch>`, wherever it was installed. */
function newerNode() {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    const program = join(folder, "bin", process.platform === "win32" ? "node.exe" : "node");
    return existsSync(program) ? program : undefined;
  } catch {
    return undefined;
  }
}

function handOver() {
  const program = newerNode();
  if (program === undefined)
    return fail(`zephyr: needs Node 22.18 or newer, this is ${process.versions.node}; update it, or \`npm install node@24\``);
  // The channel tells the other process when this one is killed, so that it does not go on alone.
  const child = spawn(program, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, ZEPHYR_PARENT: String(process.pid) },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`zephyr: ${program} cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
