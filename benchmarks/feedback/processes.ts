import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FeedbackConfig, feedbackConfig } from "@zephyr/aif";

/** A folder that is gone afterwards. */
export function temporaryFolder(): { path: (name: string) => string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), "zephyr-feedback-"));
  return { path: (name) => join(folder, name), [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

export function configOf(value: object): Promise<FeedbackConfig> {
  return feedbackConfig(value, async () => ({}));
}

export function promptFile(path: string, count: number): void {
  writeFileSync(path, Array.from({ length: count }, (_, i) => `{"prompt_id":"p${i}","prompt":"question ${i}"}\n`).join(""));
}

/** A script of the package's tests, in a process of its own. */
export function startScript(
  name: string,
  args: string[],
): { child: ChildProcess; exit: Promise<number | null>; ready: Promise<void> } {
  const script = new URL(`../../packages/aif/test/${name}`, import.meta.url).pathname;
  const child = spawn(process.execPath, ["--conditions=zephyr-source", script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = once(child, "exit").then(([code]) => code as number | null);
  const ready = new Promise<void>((resolve) => child.stdout!.once("data", () => resolve()));
  return { child, exit, ready: Promise.race([ready, exit.then(() => {})]) };
}

/** So many `zephyr worker` processes, ready; they are killed afterwards. */
export async function startWorkers(config: string, redis: string, count: number): Promise<AsyncDisposable> {
  const workers = Array.from({ length: count }, () => startScript("run-worker-child.ts", [config, redis]));
  await Promise.all(workers.map(({ ready }) => ready));
  return {
    async [Symbol.asyncDispose]() {
      for (const { child } of workers) child.kill("SIGTERM");
      await Promise.all(workers.map(({ exit }) => exit));
    },
  };
}
