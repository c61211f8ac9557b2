import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { feedbackConfig, runComplete, runRate } from "../src/index.ts";
import { judging } from "./fake-judge.ts";
import {
  answer,
  type Behaviour,
  echo,
  faultServer,
  raw,
  resetBeforeHeaders,
  resetInBody,
  type SeenRequest,
  silent,
  status,
} from "./fault-server.ts";

const folder = mkdtempSync(join(tmpdir(), "aif-runs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newPath = (suffix: string): string => join(folder, `${files++}${suffix}`);

function promptFile(count: number): string {
  const path = newPath(".jsonl");
  writeFileSync(
    path,
    Array.from({ length: count }, (_, i) => JSON.stringify({ prompt_id: `p${i}`, prompt: `question ${i}`, extra: { i } })).join(
      "\n",
    ),
  );
  return path;
}

const price = { input_per_million: 1000, output_per_million: 1000 };
const pool = (baseUrl: string, extra: object = {}) =>
  ["a", "b", "c"].map((name) => ({ name, model: name, base_url: baseUrl, ...extra }));
const configOf = (value: object) => feedbackConfig(value, async (path) => JSON.parse(readFileSync(path, "utf8")));

const FAULTS = [
  status(500),
  status(503),
  resetBeforeHeaders,
  resetInBody,
  raw("<html>", { "content-type": "text/html" }),
  raw('{"choices": ['),
  status(429, {}, { "retry-after-ms": "20" }),
];

/** A fifth of the requests fail at their first sight, each in one of several ways; `good` gets the others. */
function mixedFaults(good: Behaviour): (request: SeenRequest) => Behaviour {
  const seen = new Set<string>();
  return (request) => {
    const key = contentOf(request);
    const draw = createHash("sha256").update(key).digest().readUInt32LE();
    const isFirst = !seen.has(key);
    seen.add(key);
    return isFirst && draw % 5 === 0 ? FAULTS[(draw >>> 8) % FAULTS.length]! : good;
  };
}

function contentOf({ body }: SeenRequest): string {
  return `${body.model}: ${body.messages.at(-1)!.content}`;
}

test("the output is the same to the byte for every concurrency, with faults and without", async () => {
  const input = promptFile(40);
  const outputs: string[] = [];
  for (const [max_concurrency, faulty] of [
    [1, false],
    [64, false],
    [7, true],
  ] as const) {
    await using server = await faultServer(faulty ? mixedFaults(answer(echo)) : () => answer(echo));
    const output = newPath(".out.jsonl");
    const config = await configOf({
      models: pool(server.baseUrl, { max_concurrency }),
      completions_per_prompt: 2,
      principles: "readme",
      seed: 3,
    });
    expect(await runComplete({ input, output, config })).toMatchObject({ status: "done", exit_code: 0, rows: 40 });
    outputs.push(readFileSync(output, "utf8"));
  }
  expect(outputs[1]).toBe(outputs[0]);
  expect(outputs[2]).toBe(outputs[0]);
  const rows = outputs[0]!
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows.map(({ prompt_id }) => prompt_id)).toEqual(Array.from({ length: 40 }, (_, i) => `p${i}`));
  expect(rows[5].extra).toEqual({ i: 5 });
  expect(new Set(rows.flatMap(({ completions }) => completions.map(({ model }: { model: string }) => model)))).toEqual(
    new Set(["a", "b", "c"]),
  );
  for (const { completions } of rows) expect(new Set(completions.map(({ model }: { model: string }) => model)).size).toBe(2);
});

function startChild(config: string, input: string, output: string): ChildProcess {
  const script = new URL("run-complete-child.ts", import.meta.url).pathname;
  return spawn(process.execPath, ["--conditions=zephyr-source", script, config, input, output], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("exit", resolve));
}

test("fault 32: killed again and again, a run loses nothing, asks nothing twice that was answered, and ends as if undisturbed", async () => {
  const input = promptFile(100);
  const good = answer(echo, { delayMs: 40 });
  const choose = mixedFaults(good);
  const asked: { key: string; at: number }[] = [];
  const answered: { key: string; at: number }[] = [];
  await using server = await faultServer((request) => {
    const behaviour = choose(request);
    const key = contentOf(request);
    asked.push({ key, at: performance.now() });
    if (behaviour !== good) return behaviour;
    return (response, seen) => {
      response.on("finish", () => answered.push({ key, at: performance.now() }));
      return good(response, seen);
    };
  });
  const config = newPath(".config.json");
  writeFileSync(
    config,
    JSON.stringify({ models: pool(server.baseUrl, { max_concurrency: 2 }), completions_per_prompt: 2, seed: 3 }),
  );
  const output = newPath(".out.jsonl");
  let kills = 0;
  // What was on the wire at a kill, or answered too shortly before it to be on disk, may be answered a second time.
  let repeatable = 0;
  for (let code: number | null = null; code !== 0; ) {
    const child = startChild(config, input, output);
    const exit = exitOf(child);
    const before = answered.length;
    if (kills < 3) {
      // Kill somewhere in the middle of the work, wherever that happens to be.
      while (answered.length < before + 20 + 10 * kills && child.exitCode === null)
        await new Promise((resolve) => setTimeout(resolve, 10));
      child.kill("SIGKILL");
    }
    code = await exit;
    if (code !== 0) {
      kills++;
      const killedAt = performance.now();
      const safe = new Set(answered.filter(({ at }) => at < killedAt - 500).map(({ key }) => key));
      repeatable += 6 + answered.filter(({ at }) => at >= killedAt - 500).length;
      expect(kills).toBeLessThanOrEqual(3);
      expect(asked.filter(({ key, at }) => at > killedAt && safe.has(key))).toEqual([]);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  expect(kills).toBe(3);
  const times = new Map<string, number>();
  for (const { key } of answered) times.set(key, (times.get(key) ?? 0) + 1);
  expect(times.size).toBe(200);
  expect(answered.length - 200).toBeLessThanOrEqual(repeatable);
  await using calm = await faultServer(() => answer(echo));
  const undisturbed = newPath(".out.jsonl");
  await runComplete({
    input,
    output: undisturbed,
    config: await configOf({ models: pool(calm.baseUrl), completions_per_prompt: 2, seed: 3 }),
  });
  expect(readFileSync(output, "utf8")).toBe(readFileSync(undisturbed, "utf8"));
}, 60_000);

test("fault 40: an interrupt drains, exits 130, and the next run sends only the rest", async () => {
  const input = promptFile(50);
  await using server = await faultServer(() => answer(echo, { delayMs: 50 }));
  const config = newPath(".config.json");
  writeFileSync(config, JSON.stringify({ models: pool(server.baseUrl, { max_concurrency: 2 }), completions_per_prompt: 1 }));
  const output = newPath(".out.jsonl");
  const child = startChild(config, input, output);
  while (server.requests.length < 12) await new Promise((resolve) => setTimeout(resolve, 10));
  const started = performance.now();
  child.kill("SIGINT");
  expect(await exitOf(child)).toBe(130);
  expect(performance.now() - started).toBeLessThan(15_000);
  expect(existsSync(output)).toBe(false);
  expect(server.requests.length).toBeLessThan(50);
  expect(await exitOf(startChild(config, input, output))).toBe(0);
  expect(server.requests).toHaveLength(50);
});

test("fault 40: a second interrupt cuts off what is on the wire", async () => {
  const input = promptFile(4);
  await using server = await faultServer(() => silent);
  const config = newPath(".config.json");
  writeFileSync(config, JSON.stringify({ models: pool(server.baseUrl), completions_per_prompt: 1 }));
  const child = startChild(config, input, newPath(".out.jsonl"));
  while (server.requests.length < 4) await new Promise((resolve) => setTimeout(resolve, 10));
  child.kill("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(child.exitCode).toBe(null);
  const started = performance.now();
  child.kill("SIGINT");
  expect(await exitOf(child)).toBe(130);
  expect(performance.now() - started).toBeLessThan(15_000);
});

test("fault 33: a torn or zero-filled end of the journal is cut off and only that record is asked again", async () => {
  const input = promptFile(10);
  await using server = await faultServer(() => answer(echo));
  const config = await configOf({ models: pool(server.baseUrl), completions_per_prompt: 1 });
  const output = newPath(".out.jsonl");
  await runComplete({ input, output, config });
  const whole = readFileSync(output, "utf8");
  const log = `${output}.journal/requests.log`;
  truncateSync(log, statSync(log).size - 7);
  expect(await runComplete({ input, output, config, resume: true })).toMatchObject({ exit_code: 0 });
  expect(server.requests).toHaveLength(11);
  appendFileSync(log, Buffer.alloc(4096));
  await runComplete({ input, output, config, resume: true });
  const bytes = readFileSync(log);
  bytes[bytes.indexOf("question 4") + 2]! ^= 1;
  writeFileSync(log, bytes);
  const last = await runComplete({ input, output, config, resume: true });
  expect(server.requests).toHaveLength(12);
  expect(Object.keys(last.warnings)[0]).toMatch(/corrupt/);
  expect(readFileSync(output, "utf8")).toBe(whole);
});

test("fault 34: after a failed journal write nothing more is sent, and the run ends pending", async () => {
  const input = promptFile(40);
  // Each model's second answer takes longer than any disk takes to say that it is full.
  await using server = await faultServer(() => answer(echo, { delayMs: server.requests.length <= 3 ? 5 : 3000 }));
  const config = await configOf({
    models: pool(server.baseUrl, { max_concurrency: 1 }),
    completions_per_prompt: 1,
    journal: newPath(".journal"),
  });
  const journal = config.journal!;
  mkdirSync(journal);
  // Every write to this device fails with ENOSPC.
  symlinkSync("/dev/full", join(journal, "requests.log"));
  const result = await runComplete({ input, output: newPath(".out.jsonl"), config });
  expect(result).toMatchObject({ status: "pending", exit_code: 1 });
  expect(result.reason).toMatch(/journal.*ENOSPC/);
  expect(server.requests.length).toBeLessThanOrEqual(6);
});

test("fault 35: a second run on a journal in use is refused; a lock of a process that is gone is not in the way", async () => {
  const input = promptFile(5);
  await using server = await faultServer(() => answer(echo, { delayMs: 300 }));
  const journal = newPath(".journal");
  const config = await configOf({ models: pool(server.baseUrl), completions_per_prompt: 1, journal });
  const first = runComplete({ input, output: newPath(".out.jsonl"), config });
  while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await expect(runComplete({ input, output: newPath(".out.jsonl"), config })).rejects.toMatchObject({ code: "EAIFLOCKED" });
  expect((await first).exit_code).toBe(0);
  writeFileSync(join(journal, "lock"), JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), boot_id: "another", started: "1" }));
  expect((await runComplete({ input, output: newPath(".out.jsonl"), config })).exit_code).toBe(0);
});

test("fault 28: two different rows with one id are an error that names both, before anything is sent; identical ones are kept once", async () => {
  await using server = await faultServer(() => answer(echo));
  const config = await configOf({ models: pool(server.baseUrl), completions_per_prompt: 1 });
  const clash = newPath(".jsonl");
  writeFileSync(
    clash,
    ['{"prompt_id":"x","prompt":"one"}', '{"prompt_id":"y","prompt":"two"}', '{"prompt_id":"x","prompt":"three"}'].join("\n"),
  );
  await expect(runComplete({ input: clash, output: newPath(".out.jsonl"), config })).rejects.toThrow(/rows 1 and 3.*"x"/);
  expect(server.requests).toHaveLength(0);
  const repeated = newPath(".jsonl");
  writeFileSync(repeated, ['{"prompt":"one"}', '{"prompt":"two"}', '{"prompt":"one"}'].join("\n"));
  expect(await runComplete({ input: repeated, output: newPath(".out.jsonl"), config })).toMatchObject({
    rows: 2,
    duplicates: 1,
    exit_code: 0,
  });
});

test("fault 41: spending stays under the cap with 256 in flight, and the run resumes under a higher one", async () => {
  const input = promptFile(400);
  let spent = 0;
  const usage = { prompt_tokens: 300, completion_tokens: 40 };
  await using server = await faultServer(() => {
    spent += 0.34;
    return answer(echo, { usage, delayMs: 10 });
  });
  const models = pool(server.baseUrl, { max_concurrency: 256, max_tokens: 40, price });
  const output = newPath(".out.jsonl");
  const first = await runComplete({
    input,
    output,
    config: await configOf({ models, completions_per_prompt: 1, budget_usd: 40 }),
  });
  expect(first).toMatchObject({ status: "pending", exit_code: 1 });
  expect(spent).toBeLessThanOrEqual(40);
  expect(spent).toBeGreaterThan(38);
  expect(first.cost_usd).toBeCloseTo(spent, 6);
  const second = await runComplete({
    input,
    output,
    config: await configOf({ models, completions_per_prompt: 1, budget_usd: 200 }),
  });
  expect(second).toMatchObject({ status: "done", rows: 400 });
  expect(server.requests).toHaveLength(400);
  expect(second.cost_usd).toBeCloseTo(400 * 0.34, 6);
});

test("a budget without prices, too few models and unset keys are config errors before anything is sent", async () => {
  const input = promptFile(2);
  await using server = await faultServer(() => answer(echo));
  const run = async (value: object) =>
    runComplete({ input, output: newPath(".out.jsonl"), config: await configOf(value), env: {} });
  await expect(run({ models: pool(server.baseUrl), budget_usd: 1, completions_per_prompt: 1 })).rejects.toMatchObject({
    code: "EAIFCONFIG",
    message: expect.stringContaining("price"),
  });
  await expect(run({ models: pool(server.baseUrl) })).rejects.toMatchObject({ code: "EAIFCONFIG" });
  await expect(run({ models: pool(server.baseUrl, { api_key_env: "NO_SUCH_KEY" }), completions_per_prompt: 1 })).rejects.toThrow(
    /NO_SUCH_KEY/,
  );
  await expect(run({ models: [{ base_ulr: "x", model: "m" }] })).rejects.toThrow(/did you mean "base_url"/);
  await expect(run({ modles: [] })).rejects.toThrow(/did you mean "models"/);
  await expect(run({ models: pool(server.baseUrl), completions_per_prompt: "4" })).rejects.toThrow(/completions_per_prompt/);
  expect(server.requests).toHaveLength(0);
});

test("a dry run sends nothing, writes nothing and brackets what the run then costs", async () => {
  const input = promptFile(20);
  await using server = await faultServer(() => answer(echo, { usage: { prompt_tokens: 9, completion_tokens: 30 } }));
  const config = await configOf({ models: pool(server.baseUrl, { price, max_tokens: 100 }), completions_per_prompt: 2 });
  const output = newPath(".out.jsonl");
  const { estimate, status: ended } = await runComplete({ input, output, config, dryRun: true });
  expect(ended).toBe("dry_run");
  expect(server.requests).toHaveLength(0);
  expect(existsSync(output) || existsSync(`${output}.journal`)).toBe(false);
  expect(estimate).toMatchObject({ rows: 20, requests: 40 });
  const { cost_usd } = await runComplete({ input, output, config });
  expect(cost_usd).toBeGreaterThan(estimate.cost_usd![0]);
  expect(cost_usd).toBeLessThan(estimate.cost_usd![1]);
});

test("failed rows go to a file of their own with kind, reason and raw reply; --allow-failures decides the exit code", async () => {
  const input = promptFile(6);
  await using server = await faultServer((request) =>
    request.body.messages.at(-1)!.content.endsWith("3") ? answer("no", { finish: "content_filter" }) : answer(echo),
  );
  const config = await configOf({ models: pool(server.baseUrl), completions_per_prompt: 1 });
  const output = newPath(".out.jsonl");
  expect(await runComplete({ input, output, config })).toMatchObject({ status: "partial", exit_code: 1, rows: 5, failed: 1 });
  const [failure] = readFileSync(`${output}.failed.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(failure).toMatchObject({ prompt_id: "p3", kind: "content_filter", extra: { i: 3 } });
  expect(failure.raw_reply).toContain("content_filter");
  await expect(runComplete({ input, output, config })).rejects.toMatchObject({ code: "EEXIST" });
  expect(await runComplete({ input, output, config, resume: true, allowFailures: 1 })).toMatchObject({ exit_code: 0, failed: 1 });
  expect(server.requests).toHaveLength(6);
});

test("a run's card tells models, sampling, prices, principles and failures, and escapes what data says", async () => {
  await using server = await faultServer((request) =>
    request.body.messages.at(-1)!.content === "question 1"
      ? answer("", { finish: "content_filter" })
      : answer("12345", { model: "<b>other|model", finish: "length", usage: { prompt_tokens: 10, completion_tokens: 20 } }),
  );
  const models = pool(server.baseUrl, {
    price: { input_per_million: 100, output_per_million: 1000 },
    max_tokens: 20,
    temperature: 1,
  });
  const output = newPath(".out.jsonl");
  const config = await configOf({ models, completions_per_prompt: 3, principles: "code", seed: 5 });
  await runComplete({ input: promptFile(4), output, config, allowFailures: 1 });
  const card = readFileSync(`${output}.card.md`, "utf8");
  expect(card).toContain("3 completions per prompt, of 3 models drawn without replacement, seed 5");
  expect(card).toMatch(/principles: code, sha256 [0-9a-f]{64}/);
  expect(card).toContain("rows: 3 completed, 1 failed (25.0%): content_filter: 1");
  expect(card).toMatch(
    /\| a \| a \(a\), \$100 and \$1000 .* \| &#60;b&#62;other&#124;model \| max_tokens 20, temperature 1, top_p default \| 3 \| 3 \| 5 \| \$0\.06/,
  );
});

test("a model that is parked ends the run after max_wait_seconds with its rows pending; others' answers are kept", async () => {
  const input = promptFile(10);
  let isBack = false;
  await using server = await faultServer((request) =>
    request.body.model === "a" && !isBack ? status(429, {}, { "retry-after": "3600" }) : answer(echo),
  );
  const config = await configOf({ models: pool(server.baseUrl, { max_wait_seconds: 0.5 }), completions_per_prompt: 3 });
  const output = newPath(".out.jsonl");
  const notes: string[] = [];
  const parked = await runComplete({ input, output, config, onNote: (line) => notes.push(line) });
  expect(parked).toMatchObject({ status: "pending", exit_code: 1, failed: 0 });
  expect(notes.join("\n")).toMatch(/max_wait_seconds/);
  expect(existsSync(output) || existsSync(`${output}.failed.jsonl`)).toBe(false);
  const others = server.requests.filter(({ body }) => body.model !== "a").length;
  expect(others).toBe(20);
  isBack = true;
  expect(await runComplete({ input, output, config })).toMatchObject({ status: "done", rows: 10 });
  expect(server.requests.filter(({ body }) => body.model !== "a")).toHaveLength(others);
});

test("rate runs over the rows that complete wrote, with a rubric of one's own from a file", async () => {
  const input = promptFile(3);
  await using server = await faultServer((request) => (request.body.model === "judge" ? judging() : answer(echo)));
  const rubric = newPath(".json");
  writeFileSync(
    rubric,
    JSON.stringify({ clarity: { instructions: "Is it clear?", scale: { 1: "no", 2: "partly", 3: "yes" }, output: "single" } }),
  );
  const config = await configOf({
    models: pool(server.baseUrl),
    completions_per_prompt: 2,
    judge: { base_url: server.baseUrl, model: "judge" },
    rubric,
    journal: newPath(".journal"),
  });
  const completions = newPath(".jsonl");
  await runComplete({ input, output: completions, config });
  const rated = newPath(".jsonl");
  const result = await runRate({ input: completions, output: rated, config });
  expect(result).toMatchObject({ status: "done", rows: 3 });
  const rows = readFileSync(rated, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  // The judge takes the first digit from 1 to 5 in the text: the question's number.
  expect(rows.map(({ completions: [first] }) => first.annotations.clarity.rating)).toEqual([3, 1, 2]);
  expect(rows[0].extra).toEqual({ i: 0 });
  expect(readFileSync(`${rated}.card.md`, "utf8")).toMatch(/clarity \| 2\.000/);
  expect(server.requests.filter(({ body }) => body.model === "judge")).toHaveLength(6);
});

test("fault 43: the key is in none of a run's files", async () => {
  const input = promptFile(3);
  const key = "sk-verysecretverysecretverysecret";
  await using server = await faultServer((request) =>
    status(400, { error: { message: `Bad request by ${request.headers.authorization}` } }),
  );
  const config = await configOf({ models: pool(server.baseUrl, { api_key_env: "KEY" }), completions_per_prompt: 1 });
  const output = newPath(".out.jsonl");
  const notes: string[] = [];
  const result = await runComplete({ input, output, config, env: { KEY: key }, onNote: (line) => notes.push(line) });
  expect(result.failed).toBe(3);
  const written = [`${output}.failed.jsonl`, `${output}.journal/requests.log`].map((path) => readFileSync(path, "utf8")).join();
  expect(written + notes.join() + JSON.stringify(result)).not.toContain("verysecret");
  expect(written).toContain("[redacted]");
});
