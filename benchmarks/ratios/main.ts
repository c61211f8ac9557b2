/**
 * How many times as fast is Zephyr as other stacks, on the same adapter in the same run?
 *
 *   node benchmarks/ratios.mjs [--runs 3] [--json FILE]
 *
 * Each whole run times Zephyr and every stack that the environment names, one process after the other; README.md says which variables
 * name them. Prints a table and then the same as a line of JSON. Exit code 1 where a stack failed, or computed other numbers.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createModel, parseModelConfig, requestDevice } from "@zephyr/train-webgpu";
import { DEFAULTS, GROUPS, readSettings } from "../peers/settings.ts";
import { configOf } from "../peers/training-step.ts";
import { compareRuns, type Line } from "./compare.ts";
import { findStacks, type Script } from "./stacks.ts";
import { tableOf } from "./table.ts";

/** A stack that hangs must not keep the others from being told. */
const LIMIT_MS = 30 * 60_000;

const { values: flags } = parseArgs({ options: { runs: { type: "string", default: "3" }, json: { type: "string" } } });
const wantedRuns = Number(flags.runs);
if (!Number.isInteger(wantedRuns) || wantedRuns < 1)
  throw new RangeError(`ratios: --runs is ${flags.runs}; give a whole number from 1`);

const { groups, model } = readSettings(process.env);
const { scripts, versions, skipped } = findStacks(process.env);
const folder = mkdtempSync(join(tmpdir(), "zephyr-ratios-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

let running: ChildProcess | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    running?.kill();
    process.exit(1);
  });
}

const { adapter, environment } = await saveModel();
const settings: Record<string, string> = {
  ...Object.fromEntries(Object.entries(DEFAULTS).map(([name, value]) => [name, process.env[name] ?? value])),
  CASES: GROUPS.filter((group) => groups.has(group)).join(","),
};
const load: number[] = [];
const failures: { run: number; script: string; reason: string }[] = [];
const runs: Line[][] = [];
for (let run = 1; run <= wantedRuns; run++) {
  load.push(Number(loadavg()[0]!.toFixed(2)));
  const lines: Line[] = [];
  for (const script of scripts.filter((one) => one.groups.some((group) => groups.has(group)))) {
    const name = script.command.at(-1)!;
    console.error(`run ${run} of ${wantedRuns}: ${script.peer} ${name}`);
    const { lines: printed, failure } = await runScript(script);
    lines.push(...printed.map((line) => ({ ...line, peer: script.peer })));
    if (failure !== undefined) failures.push({ run, script: name, reason: failure });
  }
  runs.push(lines);
}

const onSoftware = /llvmpipe/.test(adapter);
const onModel = settings["MODEL"] === DEFAULTS.MODEL;
const { cases, measures } = compareRuns(runs, { ratios: onSoftware, measures: onModel });
const git = (...command: string[]): string =>
  spawnSync("git", command, { encoding: "utf8", cwd: import.meta.dirname }).stdout.trim();
const result = {
  machine: { cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism(), load_before_each_run: load },
  adapter,
  node: process.version,
  commit: git("rev-parse", "HEAD"),
  changed_files: git("status", "--porcelain").split("\n").filter(Boolean).length,
  versions,
  settings,
  runs: wantedRuns,
  cases,
  measures,
  skipped,
  failures,
};
console.log(tableOf(cases, measures));
const { machine, node, commit, changed_files } = result;
console.log(`\nmachine: ${machine.cpu}, ${machine.cores} cores, load average before each run ${load.join(", ")}`);
console.log(
  `adapter: ${adapter}; Node ${node}; commit ${commit}${changed_files > 0 ? ` and ${changed_files} changed files` : ""}`,
);
console.log(
  `versions: ${
    Object.entries(versions)
      .map((pair) => pair.join(" "))
      .join(", ") || "Zephyr alone"
  }; medians of ${wantedRuns} whole runs`,
);
for (const { peer, reason } of skipped) console.log(`left out: ${peer}: ${reason}`);
for (const { run, script, reason } of failures) console.log(`failed in run ${run}: ${script}: ${reason}`);
if (!onSoftware) console.log("bars of ratios are those of llvmpipe, and this is another adapter");
if (!onModel && measures.length > 0)
  console.log(`bars of first step, time per token and memory are those of MODEL=${DEFAULTS.MODEL}`);
if (load.some((average) => average >= 2)) console.log("not to be quoted: a run began at a load average of 2 or more");
console.log(JSON.stringify(result));
if (flags.json !== undefined) writeFileSync(flags.json, JSON.stringify(result, null, 2));
const differ = cases.some(({ agreement }) => agreement.some(({ agrees }) => !agrees));
process.exitCode = differ || failures.length > 0 ? 1 : 0;

/** Saves the model of MODEL as every stack loads it, and gives what leads other processes to this adapter. */
async function saveModel() {
  using device = await requestDevice();
  using policy = await createModel(device, parseModelConfig(configOf(model, model.length + 1)), { seed: 0 });
  await policy.save(join(folder, "model"));
  return { adapter: device.adapter.description, environment: device.environment };
}

/** Runs one script to its end; a failure is what it said last. */
function runScript({ command, environment: more }: Script): Promise<{ lines: Line[]; failure?: string }> {
  const [program, ...parameters] = command as [string, ...string[]];
  const env = {
    ...process.env,
    ...environment,
    ...settings,
    MODEL_FOLDER: join(folder, "model"),
    PYTHONDONTWRITEBYTECODE: "1",
    ...more,
  };
  return new Promise((resolve) => {
    const child = spawn(program, parameters, { env, stdio: ["ignore", "pipe", "pipe"], timeout: LIMIT_MS });
    running = child;
    let [output, complaint] = ["", ""];
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      complaint += chunk;
    });
    child.on("error", (error) => resolve({ lines: [], failure: error.message }));
    child.on("close", (code, signal) => {
      const lines = output.split("\n").flatMap((line) => (line.startsWith('{"peer"') ? [JSON.parse(line) as Line] : []));
      if (code === 0) resolve({ lines });
      else resolve({ lines, failure: `ended with ${signal ?? code}: ${complaint.trim().slice(-500)}` });
    });
  });
}
