import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { connectDevtools, type Devtools } from "./devtools.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/** The sandbox needs rights that a container rarely has; the pages under test are our own. */
const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--no-first-run",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-extensions",
  "--remote-debugging-port=0",
];

/** WebGPU on SwiftShader, the software driver that Chromium brings along: the same adapter on every machine. */
const WEBGPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/** No WebGPU adapter, as on a machine whose GPU Chromium refuses. */
const NO_WEBGPU = ["--use-webgpu-adapter=default", "--disable-gpu", "--disable-software-rasterizer"];

/** The path of a Chromium (`CHROMIUM_PATH`, else the first on the PATH), undefined where there is none. */
export function findChromium(): string | undefined {
  const named = process.env["CHROMIUM_PATH"];
  if (named !== undefined) return named;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A headless Chromium with a profile of its own. */
export interface Chromium extends AsyncDisposable {
  devtools: Devtools;
}

/** Starts a headless Chromium; throws with what it said when it does not come up within a minute. */
export async function startChromium(path: string, { webgpu = true }: { webgpu?: boolean } = {}): Promise<Chromium> {
  const profile = mkdtempSync(join(tmpdir(), "zephyr-chromium-"));
  const child = spawn(path, [...FLAGS, ...(webgpu ? WEBGPU : NO_WEBGPU), `--user-data-dir=${profile}`, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const end = async (): Promise<void> => {
    const ended = new Promise((resolve) => child.once("close", resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await ended;
    }
    // Chromium's own children may still be writing.
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  try {
    const devtools = await connectDevtools(await endpoint(child));
    return {
      devtools,
      async [Symbol.asyncDispose]() {
        devtools.close();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The DevTools address, which Chromium prints when it is ready. */
function endpoint(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => reject(new Error(`startChromium: not ready after 60 s; it said:\n${said}`)), 60_000);
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`startChromium: it ended with code ${code}; it said:\n${said}`)));
    child.stderr!.on("data", (chunk) => {
      said += chunk;
      const found = /DevTools listening on (ws:\S+)/.exec(said)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
  });
}
