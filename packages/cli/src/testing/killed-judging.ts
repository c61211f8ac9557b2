import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../../../..");
const program = [
  "--conditions=zephyr-source",
  "--import",
  join(root, "tools/wgsl-hook.mjs"),
  join(root, "packages/cli/src/main.ts"),
];

/** An answer whose last byte left this long before a kill had reached the client. */
const REACHED_MS = 500;

/** A judge behind HTTP that counts its calls and answers each prompt alike every time. */
export interface CountingJudge extends AsyncDisposable {
  baseUrl: string;
  /** Calls so far. */
  calls(): number;
  /** Calls whose equal had been answered at least half a second before the last kill. */
  repeated(): number;
  /** Resolves when so many calls have come. */
  reached(count: number): Promise<void>;
  killed(): void;
}

/** Starts the judge; `reply` makes its text from the last message, `delayMs` passes before it. */
export async function countingJudge(reply: (prompt: string) => string, delayMs: number): Promise<CountingJudge> {
  const answered = new Map<string, number>();
  let [calls, repeated] = [0, 0];
  let lastKill = 0;
  let watch: (() => void) | undefined;
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    const key = createHash("sha256").update(body).digest("hex");
    calls++;
    if ((answered.get(key) ?? Number.POSITIVE_INFINITY) < lastKill - REACHED_MS) repeated++;
    watch?.();
    await new Promise((done) => setTimeout(done, delayMs));
    const { model, messages } = JSON.parse(body);
    const message = { role: "assistant", content: reply(messages.at(-1).content) };
    const usage = { prompt_tokens: 100, completion_tokens: 10 };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ model, choices: [{ message, finish_reason: "stop" }], usage }), () =>
      answered.set(key, Date.now()),
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls: () => calls,
    repeated: () => repeated,
    reached: (count) =>
      new Promise((done) => {
        const look = () => {
          if (calls >= count) done();
        };
        watch = look;
        look();
      }),
    killed() {
      lastKill = Date.now();
    },
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const part of request) body += part;
  return body;
}

/** Runs the command, killing it (SIGKILL) when the judge has had so many calls; resolves with the exit code, null when killed. */
export function runUntil(
  args: readonly string[],
  judge: CountingJudge,
  killAt?: number,
): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [...program, ...args], {
    env: { ...process.env, NODE_OPTIONS: "" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  if (killAt !== undefined)
    void judge.reached(killAt).then(() => {
      judge.killed();
      child.kill("SIGKILL");
    });
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done({ code, stderr }));
  });
}
