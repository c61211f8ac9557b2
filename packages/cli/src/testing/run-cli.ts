import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";

const root = resolve(import.meta.dirname, "../../../..");
/** What Node runs the command with. */
export const program = [
  "--conditions=zephyr-source",
  "--import",
  join(root, "tools/wgsl-hook.mjs"),
  join(root, "packages/cli/src/main.ts"),
];

export interface Ran {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** The real command in a process of its own, under way. */
export interface Running {
  result: Promise<Ran>;
  kill(signal: NodeJS.Signals): void;
  /** Waits until stderr holds a text; rejects where the process ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
}

export function startCli(args: readonly string[], env: Record<string, string> = {}, cwd?: string): Running {
  const child = spawn(process.execPath, [...program, ...args], {
    cwd,
    env: { ...process.env, NODE_OPTIONS: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) child[name].setEncoding("utf8").on("data", (text) => (output[name] += text));
  const result = new Promise<Ran>((done, fail) => {
    child.on("error", fail);
    child.on("close", (code, signal) => done({ code, signal, ...output }));
  });
  const says = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((found, fail) => {
      const look = (): void => {
        const match = pattern.exec(output.stderr);
        if (match) found(match);
      };
      child.stderr.on("data", look);
      child.on("close", () => fail(new Error(`the command ended before it said ${pattern}: ${output.stderr}`)));
      look();
    });
  return { result, kill: (signal) => child.kill(signal), says };
}

export const runCli = (args: readonly string[], env?: Record<string, string>, cwd?: string): Promise<Ran> =>
  startCli(args, env, cwd).result;

/** A folder that goes when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "zephyr-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A file of the trainer's reference runs. */
export const reference = (path: string): string => join(root, "packages/train-webgpu/fixtures", path);
