import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { feedbackConfig, runComplete, runGenerateDialogues, runRate, runWorker } from "../src/index.ts";
import { judging } from "./fake-judge.ts";
import { answer, echo, type FaultServer, faultServer, status } from "./fault-server.ts";
import { noRedis, redisServer } from "./redis-server.ts";

const folder = mkdtempSync(join(tmpdir(), "aif-workers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newPath = (suffix: string): string => join(folder, `${files++}${suffix}`);

function promptFile(count: number): string {
  const path = newPath(".jsonl");
  writeFileSync(path, Array.from({ length: count }, (_, i) => JSON.stringify({ prompt: `question ${i}` })).join("\n"));
  return path;
}

const pool = (baseUrl: string, extra: object = {}) =>
  ["a", "b", "c"].map((name) => ({ name, model: name, base_url: baseUrl, ...extra }));
const configOf = (value: object) => feedbackConfig(value, async (path) => JSON.parse(readFileSync(path, "utf8")));

interface WorkerProcess extends AsyncDisposable {
  child: ChildProcess;
  /** The last line that it wrote, once it is over. */
  result(): Promise<{ answered: number; failed: number; late: number; reason: string }>;
}

async function startWorker(config: object, url: string, stalledSeconds = 5, idleSeconds?: number): Promise<WorkerProcess> {
  const path = newPath(".config.json");
  writeFileSync(path, JSON.stringify(config));
  const script = new URL("run-worker-child.ts", import.meta.url).pathname;
  const args = [path, url, String(stalledSeconds), ...(idleSeconds === undefined ? [] : [String(idleSeconds)])];
  const child = spawn(process.execPath, ["--conditions=zephyr-source", script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  const exit = once(child, "exit");
  while (!text.includes("ready") && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 10));
  return {
    child,
    async result() {
      await exit;
      return JSON.parse(text.trim().split("\n").at(-1)!);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exit;
    },
  };
}

const contentsOf = (server: FaultServer): string[] => server.requests.map((request) => echo(request));

describe.skipIf(noRedis)(`many machines${noRedis ? ` (skipped: ${noRedis})` : ""}`, () => {
  test("two workers give the same output to the byte as one process, each request is sent once, and SIGTERM ends them", async () => {
    await using redis = await redisServer();
    const input = promptFile(60);
    await using server = await faultServer(() => answer(echo, { delayMs: 20 }));
    const value = {
      models: pool(server.baseUrl, { max_concurrency: 4 }),
      completions_per_prompt: 2,
      principles: "readme",
      seed: 3,
    };
    await using first = await startWorker(value, redis.url);
    await using second = await startWorker(value, redis.url);
    const [together, alone] = [newPath(".out.jsonl"), newPath(".out.jsonl")];
    const config = await configOf(value);
    const result = await runComplete({ input, output: together, config, redis: redis.url });
    expect(result).toMatchObject({ status: "done", exit_code: 0, rows: 60 });
    expect(contentsOf(server)).toHaveLength(120);
    first.child.kill("SIGTERM");
    second.child.kill("SIGTERM");
    const counts = await Promise.all([first.result(), second.result()]);
    expect(counts[0].answered + counts[1].answered).toBe(120);
    for (const { answered, failed, late } of counts)
      expect({ answered: answered > 20, failed, late }).toEqual({ answered: true, failed: 0, late: 0 });
    await runComplete({ input, output: alone, config });
    expect(readFileSync(together, "utf8")).toBe(readFileSync(alone, "utf8"));
  });

  test("a judge is asked by workers, too", async () => {
    await using redis = await redisServer();
    await using server = await faultServer(() => judging());
    const value = { judge: { base_url: server.baseUrl, model: "judge" } };
    await using _worker = await startWorker(value, redis.url);
    const input = newPath(".jsonl");
    const completions = [1, 2, 3, 4].map((i) => ({ model: `m${i}`, content: `worth ${i}` }));
    writeFileSync(input, JSON.stringify({ prompt_id: "x", prompt: "hello", completions }));
    const output = newPath(".out.jsonl");
    expect(await runRate({ input, output, config: await configOf(value), redis: redis.url })).toMatchObject({ status: "done" });
    const row = JSON.parse(readFileSync(output, "utf8"));
    expect(row.completions.map((completion: { overall_score: number }) => completion.overall_score)).toEqual([2, 4, 6, 8]);
  });

  test("dialogues are held by workers, user and assistant each a model of its own, as by one process", async () => {
    await using redis = await redisServer();
    await using server = await faultServer(({ body: { model, messages } }) =>
      answer(model === "user" && messages.length < 3 ? "1. What do bees eat?\n2. How do kites fly?" : echo),
    );
    const value = {
      user: { base_url: server.baseUrl, model: "user" },
      assistant: { base_url: server.baseUrl, model: "assistant" },
      dialogues_per_topic: 2,
      rounds: [1, 2],
    };
    await using _worker = await startWorker(value, redis.url);
    const [input, together, alone] = [newPath(".jsonl"), newPath(".out.jsonl"), newPath(".out.jsonl")];
    writeFileSync(input, ["bees", "rivers"].map((topic) => JSON.stringify({ topic })).join("\n"));
    const config = await configOf(value);
    const result = await runGenerateDialogues({ input, output: together, config, redis: redis.url });
    expect(result).toMatchObject({ status: "done", rows: 2, failed: 0 });
    const sent = server.requests.length;
    expect(result.models["user"]!.answered + result.models["assistant"]!.answered).toBe(sent);
    await runGenerateDialogues({ input, output: alone, config });
    expect(server.requests).toHaveLength(2 * sent);
    expect(readFileSync(together, "utf8")).toBe(readFileSync(alone, "utf8"));
  });

  test("fault 1: a retry-after that one worker got holds every worker", async () => {
    await using redis = await redisServer();
    await using server = await faultServer((_request, n) =>
      n === 0 ? status(429, {}, { "retry-after": "1" }) : answer(echo, { delayMs: 10 }),
    );
    const value = { models: pool(server.baseUrl, { max_concurrency: 1 }).slice(0, 1), completions_per_prompt: 1 };
    await using _first = await startWorker(value, redis.url);
    await using _second = await startWorker(value, redis.url);
    const config = await configOf(value);
    await runComplete({ input: promptFile(12), output: newPath(".out.jsonl"), config, redis: redis.url });
    const refusedAt = server.requests[0]!.at;
    // The other worker's one request may be on its way already when the first is refused.
    const early = server.requests.slice(1).filter(({ at }) => at - refusedAt < 990);
    expect(early.length).toBeLessThanOrEqual(1);
    expect(server.requests).toHaveLength(13);
  });

  test("requests per minute hold for all workers together", async () => {
    await using redis = await redisServer();
    await using server = await faultServer(() => answer(echo));
    const models = pool(server.baseUrl, { requests_per_minute: 1200, max_concurrency: 16 }).slice(0, 1);
    const value = { models, completions_per_prompt: 1 };
    await using _first = await startWorker(value, redis.url);
    await using _second = await startWorker(value, redis.url);
    const config = await configOf(value);
    await runComplete({ input: promptFile(60), output: newPath(".out.jsonl"), config, redis: redis.url });
    const took = server.requests.at(-1)!.at - server.requests[0]!.at;
    // 60 at 20 a second, of which a second's burst may come at once after a pause.
    expect(took).toBeGreaterThan(1900);
    expect(took).toBeLessThan(6000);
  });

  test("fault 38: what a frozen worker had taken is sent by another one, gives one result, and the late answer is counted", async () => {
    await using redis = await redisServer();
    await using server = await faultServer(() => answer(echo, { delayMs: 400 }));
    const value = { models: pool(server.baseUrl, { max_concurrency: 2 }).slice(0, 1), completions_per_prompt: 1 };
    await using frozen = await startWorker(value, redis.url, 1);
    const output = newPath(".out.jsonl");
    const config = await configOf(value);
    const run = runComplete({ input: promptFile(8), output, config, redis: redis.url });
    while (server.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    frozen.child.kill("SIGSTOP");
    await using healthy = await startWorker(value, redis.url, 1);
    const result = await run;
    expect(result).toMatchObject({ status: "done", rows: 8 });
    expect(server.requests).toHaveLength(10);
    expect(Object.entries(result.warnings)).toEqual([[expect.stringContaining("second worker"), 2]]);
    frozen.child.kill("SIGCONT");
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const { child } of [frozen, healthy]) child.kill("SIGTERM");
    expect(await frozen.result()).toMatchObject({ late: 2 });
    expect(await healthy.result()).toMatchObject({ answered: 8, late: 0 });
    const rows = readFileSync(output, "utf8").trim().split("\n");
    expect(new Set(rows).size).toBe(8);
  });

  test("a worker killed in the middle loses nothing: another one sends what it had taken", async () => {
    await using redis = await redisServer();
    await using server = await faultServer(() => answer(echo, { delayMs: 100 }));
    const value = { models: pool(server.baseUrl, { max_concurrency: 3 }).slice(0, 1), completions_per_prompt: 1 };
    await using victim = await startWorker(value, redis.url, 1);
    const config = await configOf(value);
    const run = runComplete({ input: promptFile(20), output: newPath(".out.jsonl"), config, redis: redis.url });
    while (server.requests.length < 8) await new Promise((resolve) => setTimeout(resolve, 5));
    victim.child.kill("SIGKILL");
    await using _other = await startWorker(value, redis.url, 1);
    expect(await run).toMatchObject({ status: "done", rows: 20 });
    expect(server.requests.length).toBeLessThanOrEqual(23);
  });

  test("fault 39: Redis killed, away and back loses nothing", async () => {
    await using redis = await redisServer();
    await using server = await faultServer(() => answer(echo, { delayMs: 50 }));
    const value = { models: pool(server.baseUrl, { max_concurrency: 2 }), completions_per_prompt: 1 };
    await using _worker = await startWorker(value, redis.url, 2);
    const config = await configOf(value);
    const output = newPath(".out.jsonl");
    const run = runComplete({ input: promptFile(100), output, config, redis: redis.url });
    while (server.requests.length < 20) await new Promise((resolve) => setTimeout(resolve, 5));
    await redis.kill();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await redis.start();
    expect(await run).toMatchObject({ status: "done", rows: 100 });
    // What was on the wire may be sent again where the second lost of an append-only file held its mark.
    expect(server.requests.length).toBeLessThanOrEqual(100 + 20);
    expect(new Set(contentsOf(server)).size).toBe(100);
  });

  test("fault 39: keys that Redis lost are put back", async () => {
    await using redis = await redisServer();
    await using server = await faultServer(() => answer(echo, { delayMs: 50 }));
    const value = { models: pool(server.baseUrl, { max_concurrency: 2 }).slice(0, 1), completions_per_prompt: 1 };
    await using _worker = await startWorker(value, redis.url, 2);
    const config = await configOf(value);
    const run = runComplete({ input: promptFile(60), output: newPath(".out.jsonl"), config, redis: redis.url });
    while (server.requests.length < 10) await new Promise((resolve) => setTimeout(resolve, 5));
    await redis.command("FLUSHALL");
    expect(await run).toMatchObject({ status: "done", rows: 60 });
    expect(server.requests.length).toBeLessThanOrEqual(60 + 4);
  });

  test("a coordinator that was killed finds what was answered meanwhile, and nothing is sent twice", async () => {
    await using redis = await redisServer();
    await using server = await faultServer(() => answer(echo, { delayMs: 20 }));
    const value = { models: pool(server.baseUrl, { max_concurrency: 2 }), completions_per_prompt: 1 };
    await using _worker = await startWorker(value, redis.url);
    const [config, input, output] = [newPath(".config.json"), promptFile(100), newPath(".out.jsonl")];
    writeFileSync(config, JSON.stringify(value));
    const coordinate = (): ChildProcess =>
      spawn(
        process.execPath,
        [
          "--conditions=zephyr-source",
          new URL("run-complete-child.ts", import.meta.url).pathname,
          config,
          input,
          output,
          redis.url,
        ],
        { stdio: ["ignore", "ignore", "inherit"] },
      );
    const killed = coordinate();
    while (server.requests.length < 20) await new Promise((resolve) => setTimeout(resolve, 5));
    killed.kill("SIGKILL");
    while (server.requests.length < 100) await new Promise((resolve) => setTimeout(resolve, 5));
    const [code] = await once(coordinate(), "exit");
    expect(code).toBe(0);
    expect(server.requests).toHaveLength(100);
    expect(readFileSync(output, "utf8").trim().split("\n")).toHaveLength(100);
  });

  test("fault 40: an interrupted coordinator takes back what no worker has begun, and resumes", async () => {
    await using redis = await redisServer();
    await using server = await faultServer(() => answer(echo, { delayMs: 100 }));
    const value = { models: pool(server.baseUrl, { max_concurrency: 2 }).slice(0, 1), completions_per_prompt: 1 };
    await using _worker = await startWorker(value, redis.url);
    const config = await configOf(value);
    const [input, output, stop] = [promptFile(50), newPath(".out.jsonl"), new AbortController()];
    const run = runComplete({ input, output, config, redis: redis.url, drain: stop.signal });
    while (server.requests.length < 6) await new Promise((resolve) => setTimeout(resolve, 5));
    const started = performance.now();
    stop.abort();
    expect(await run).toMatchObject({ status: "interrupted", exit_code: 130 });
    expect(performance.now() - started).toBeLessThan(15_000);
    const before = server.requests.length;
    expect(before).toBeLessThan(15);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.requests).toHaveLength(before);
    expect(await runComplete({ input, output, config, redis: redis.url })).toMatchObject({ status: "done", rows: 50 });
    expect(server.requests).toHaveLength(50);
  });

  test("an error that ends a run ends it for workers, too: the key is refused, and few requests are sent", async () => {
    await using redis = await redisServer();
    await using server = await faultServer(() => status(401));
    const value = { models: pool(server.baseUrl, { max_concurrency: 2 }).slice(0, 1), completions_per_prompt: 1 };
    await using _worker = await startWorker(value, redis.url);
    const config = await configOf(value);
    const result = await runComplete({ input: promptFile(50), output: newPath(".out.jsonl"), config, redis: redis.url });
    expect(result).toMatchObject({ status: "pending", exit_code: 1, reason: expect.stringContaining("401") });
    expect(server.requests.length).toBeLessThanOrEqual(4);
  });

  test("a run without workers ends after max_wait_seconds, and a worker without requests after its idle seconds", async () => {
    await using redis = await redisServer();
    const models = pool("http://127.0.0.1:1/v1", { max_wait_seconds: 1 }).slice(0, 1);
    const config = await configOf({ models, completions_per_prompt: 1 });
    const result = await runComplete({ input: promptFile(3), output: newPath(".out.jsonl"), config, redis: redis.url });
    expect(result).toMatchObject({ status: "pending", exit_code: 1, reason: expect.stringContaining("zephyr worker") });
    expect(await runWorker({ redis: redis.url, config, idleSeconds: 0.3 })).toMatchObject({ reason: "idle" });
  });
});

test("a URL that is none and a server that is not there are errors that name it without the password", async () => {
  const config = await configOf({ models: pool("http://127.0.0.1:1/v1"), completions_per_prompt: 1 });
  await expect(runWorker({ redis: "localhost", config })).rejects.toMatchObject({ code: "EAIFCONFIG" });
  const error: Error = await runWorker({ redis: "redis://:secretsecret@127.0.0.1:1", config }).then(
    () => expect.unreachable(),
    (cause) => cause,
  );
  expect(error.message).toMatch(/127\.0\.0\.1:1.*ECONNREFUSED/);
  expect(error.message).not.toContain("secretsecret");
});
