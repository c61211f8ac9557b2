import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Group } from "../peers/settings.ts";

/** A program that times one stack and prints a line of JSON per case. */
export interface Script {
  peer: Peer;
  /** What is run, with its arguments. */
  command: string[];
  /** Variables on top of those of this process. */
  environment: Record<string, string>;
  /** Groups of cases that it has lines for. */
  groups: Group[];
}

export const PEERS = ["jax-js-webgpu", "tfjs-webgpu", "torch-cpu", "trl-cpu"] as const;
export type Peer = (typeof PEERS)[number] | "zephyr";

export interface Stacks {
  scripts: Script[];
  versions: Record<string, string>;
  /** Stacks and cases that are left out, and why. */
  skipped: { peer: string; reason: string }[];
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const own = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const KERNELS: Group[] = ["matmul", "attention", "train_step"];

/** Finds the stacks that the environment names, Zephyr first. */
export function findStacks(environment: NodeJS.ProcessEnv): Stacks {
  const stacks: Stacks = { scripts: [zephyr()], versions: {}, skipped: [] };
  const outside = resolve(environment["ZEPHYR_PEERS"] ?? join(ROOT, "../shared/peers"));
  const hasOutside = existsSync(join(outside, "common.mjs"));
  if (!hasOutside)
    stacks.skipped.push({
      peer: `every peer's ${KERNELS.join(", ")}`,
      reason: `no scripts in ${outside}; name their folder in ZEPHYR_PEERS`,
    });
  addModule(stacks, environment, "jax-js-webgpu", ["JAXJS_MODULE"], hasOutside && join(outside, "jaxjs.mjs"), "jaxjs.mjs");
  const tfjs = ["TFJS_MODULE", "TFJS_WEBGPU_MODULE"];
  addModule(stacks, environment, "tfjs-webgpu", tfjs, hasOutside && join(outside, "tfjs.mjs"), "tfjs.mjs");
  addPython(stacks, environment, hasOutside && join(outside, "torch-ref.py"));
  return stacks;
}

function zephyr(): Script {
  const command = [process.execPath, ...process.execArgv, own("../peers.ts")];
  const groups: Group[] = ["first_step", ...KERNELS, "time_per_token", "memory", "logps", "dpo_step", "generate"];
  return { peer: "zephyr", command, environment: {}, groups };
}

function addModule(
  stacks: Stacks,
  environment: NodeJS.ProcessEnv,
  peer: Peer,
  variables: string[],
  outside: string | false,
  script: string,
): void {
  const bad = variables.find((name) => !existsSync(environment[name] ?? ""));
  if (bad !== undefined) {
    const value = environment[bad];
    const reason = value === undefined ? `${bad} is not set` : `${bad} is "${value}", where there is no file`;
    stacks.skipped.push({ peer, reason });
    return;
  }
  for (const name of variables) stacks.versions[peer] ??= versionOf(environment[name]!);
  // They put an object of their own in place of Node's `navigator`, whose properties refuse that.
  const node = [process.execPath, "--no-experimental-global-navigator"];
  const webgpu = { WEBGPU_MODULE: environment["WEBGPU_MODULE"] ?? join(ROOT, "node_modules/webgpu/index.js") };
  if (outside) stacks.scripts.push({ peer, command: [...node, outside], environment: webgpu, groups: KERNELS });
  stacks.scripts.push({ peer, command: [...node, own(script)], environment: webgpu, groups: ["logps"] });
}

/** The version in the package.json above a module. */
function versionOf(module: string): string {
  for (let folder = dirname(resolve(module)); folder !== dirname(folder); folder = dirname(folder)) {
    if (!existsSync(join(folder, "package.json"))) continue;
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version?: string };
    if (version !== undefined) return version;
  }
  return "unknown";
}

function addPython(stacks: Stacks, environment: NodeJS.ProcessEnv, outside: string | false): void {
  const python = environment["PYTHON"];
  if (python === undefined) {
    for (const peer of ["torch-cpu", "trl-cpu"]) stacks.skipped.push({ peer, reason: "PYTHON is not set" });
    return;
  }
  const has = (peer: Peer, packages: string): boolean => {
    const program = `import ${packages}; print(${packages}.__version__)`;
    const { status, stdout, stderr, error } = spawnSync(python, ["-c", program], { encoding: "utf8" });
    if (status === 0) stacks.versions[peer] = stdout.trim();
    else
      stacks.skipped.push({
        peer,
        reason: `${python} cannot import ${packages}: ${error?.message ?? stderr.trim().split("\n").at(-1)}`,
      });
    return status === 0;
  };
  const threads = { THREADS: environment["THREADS"] ?? "2" };
  if (has("torch-cpu", "torch")) {
    if (outside) stacks.scripts.push({ peer: "torch-cpu", command: [python, outside], environment: threads, groups: KERNELS });
    stacks.scripts.push({
      peer: "torch-cpu",
      command: [python, own("torch_reference.py")],
      environment: threads,
      groups: ["logps", "dpo_step", "generate"],
    });
  }
  if (has("trl-cpu", "trl")) {
    const command = [python, own("trl_reference.py")];
    stacks.scripts.push({ peer: "trl-cpu", command, environment: threads, groups: ["dpo_step"] });
  }
}
