import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";

export interface Measured {
  seconds: number;
  /** Of all cores: what a loaded machine measures more truly. */
  cpu_seconds: number;
}

/** Runs something by the clock and by the processor time that this process takes for it, threads included. */
export async function timed(run: () => Promise<unknown>): Promise<Measured> {
  const started = performance.now();
  const cpu = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - started) / 1000, cpu_seconds: (user + system) / 1e6 };
}

/** The most memory that this process ever held, in MiB. */
export function peakMib(): number {
  return process.resourceUsage().maxRSS / 1024;
}

/** Prints a line of JSON, numbers cut to four digits. */
export function print(line: object): void {
  console.log(JSON.stringify(line, (_, value) => (typeof value === "number" ? Number(value.toPrecision(4)) : value)));
}

/** Prints machine, load and commit: without them a time says nothing. */
export function printMachine(): void {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  console.log(
    JSON.stringify({ machine: `${cpus().length} x ${cpus()[0]?.model}`, load: loadavg()[0], node: process.version, commit }),
  );
}

/** Runs a function with a folder that is gone afterwards. */
export async function inTemporaryFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "zephyr-data-"));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Starts a benchmark file again in a process of its own, where nothing that ran before takes memory or time; returns its last line. */
export async function inOwnProcess<T>(file: string, args: readonly (string | number)[]): Promise<T> {
  const child = spawn(process.execPath, [...process.execArgv, file, ...args.map(String)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  for await (const part of child.stdout) text += part;
  const code = child.exitCode ?? (await new Promise((done) => child.once("exit", done)));
  if (code !== 0) throw new Error(`benchmark: ${file} ${args.join(" ")} ended with ${code}`);
  return JSON.parse(text.trimEnd().split("\n").at(-1)!) as T;
}

/** The Python that has a package, from `PYTHON` or the path; undefined where there is none. */
export function pythonWith(module: string): string | undefined {
  const python = process.env["PYTHON"] ?? "python3";
  try {
    execFileSync(python, ["-c", `import ${module}`], { stdio: "ignore" });
    return python;
  } catch {
    return undefined;
  }
}
