import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { rowsOf } from "@zephyr/data";
import { afterAll, expect, test } from "vitest";
import { feedbackConfig, type ProgressReport, runComplete, runGenerateDialogues } from "../src/index.ts";
import { answer, echo, type FaultServer, faultServer } from "./fault-server.ts";

const folder = mkdtempSync(join(tmpdir(), "aif-progress-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newPath = (suffix: string): string => join(folder, `${files++}${suffix}`);
const configOf = (value: object) => feedbackConfig(value, async (path) => JSON.parse(readFileSync(path, "utf8")));
const price = { input_per_million: 1000, output_per_million: 2000 };
const model = (server: FaultServer, name: string, extra: object = {}) => ({
  name,
  model: name,
  base_url: server.baseUrl,
  price,
  ...extra,
});
const prompts = (count: number) => Array.from({ length: count }, (_, i) => ({ prompt_id: `p${i}`, prompt: `question ${i}` }));
const reportOf = (output: string): ProgressReport => JSON.parse(readFileSync(`${output}.progress.json`, "utf8"));

/** A server that holds its answers back after so many, until it is let go. */
async function gate(free: number) {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let answered = 0;
  const server = await faultServer((_request, n) => async (response, request) => {
    if (n >= free) await opened;
    answered++;
    await answer(echo)(response, request);
  });
  return { server, open, answered: () => answered };
}

async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("the progress file says where a run stands, and at the end what it came to", async () => {
  const { server, open } = await gate(6);
  await using _ = server;
  const output = newPath(".out.jsonl");
  const config = await configOf({
    models: [model(server, "a", { max_concurrency: 1 }), model(server, "b", { max_concurrency: 1 })],
    completions_per_prompt: 2,
    budget_usd: 5,
  });
  const running = runComplete({ input: rowsOf([...prompts(10), prompts(1)[0]!]), output, config });
  // Whole whenever it is read.
  const held = await until(
    () => existsSync(`${output}.progress.json`) && reportOf(output).requests.answered === 6 && reportOf(output),
  );
  expect(held).toMatchObject({
    command: "complete",
    output,
    status: "running",
    pid: process.pid,
    host: hostname(),
    rows: { failed: 0, total: 11 },
    requests: { answered: 6, resumed: 0, failed: 0, total: 20 },
    tokens: { prompt: 60, completion: 30 },
    budget_usd: 5,
    warnings: {},
  });
  // 10 tokens in and 5 out: 0.02 dollars an answer.
  expect(held.cost_usd).toBeCloseTo(0.12, 12);
  expect(held.projected_cost_usd).toBeCloseTo(0.4, 12);
  expect(held.seconds_left).toBeGreaterThan(0);
  expect(held.updated).toBeGreaterThanOrEqual(held.began);
  open();
  const result = await running;
  expect(result.status).toBe("done");
  const ended = reportOf(output);
  expect(ended).toMatchObject({
    status: "done",
    rows: { done: 10, failed: 0, duplicates: 1, total: 11 },
    requests: { answered: 20, total: 20 },
    cost_usd: result.cost_usd,
    projected_cost_usd: result.cost_usd,
    seconds_left: null,
    models: { a: { answered: 10, total: 10, waits_seconds: 0 }, b: { answered: 10, total: 10 } },
  });
  expect(readdirSync(folder).filter((name) => name.endsWith(".partial"))).toEqual([]);
});

test("a run killed with SIGKILL leaves a whole file that names its process; the next run goes on in it", async () => {
  const { server, open } = await gate(5);
  await using _ = server;
  const [input, output, config] = [newPath(".jsonl"), newPath(".out.jsonl"), newPath(".config.json")];
  writeFileSync(
    input,
    prompts(8)
      .map((row) => `${JSON.stringify(row)}\n`)
      .join(""),
  );
  writeFileSync(config, JSON.stringify({ models: [model(server, "a", { max_concurrency: 2 })], completions_per_prompt: 1 }));
  const script = new URL("run-complete-child.ts", import.meta.url).pathname;
  const start = () =>
    spawn(process.execPath, ["--conditions=zephyr-source", script, config, input, output], {
      stdio: ["ignore", "ignore", "inherit"],
    });
  const child = start();
  await until(() => existsSync(`${output}.progress.json`) && reportOf(output).requests.answered === 5);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(reportOf(output)).toMatchObject({ status: "running", pid: child.pid, requests: { answered: 5, total: 8 } });
  open();
  const [code] = await once(start(), "exit");
  expect(code).toBe(0);
  const { status, requests } = reportOf(output);
  expect({ status, ...requests, failed: 0 }).toEqual({
    status: "done",
    answered: 8 - requests.resumed,
    resumed: requests.resumed,
    failed: 0,
    total: 8,
  });
  expect(requests.resumed).toBeGreaterThan(0);
});

test("a run that ends early says why; one that is refused the journal leaves the file of the other", async () => {
  const { server, open } = await gate(2);
  await using _ = server;
  const output = newPath(".out.jsonl");
  const value = { models: [model(server, "a", { max_concurrency: 1, max_tokens: 10 })], completions_per_prompt: 1 };
  const first = runComplete({ input: rowsOf(prompts(30)), output, config: await configOf({ ...value, budget_usd: 0.2 }) });
  await until(() => existsSync(`${output}.progress.json`) && reportOf(output).requests.answered === 2);
  await expect(runComplete({ input: rowsOf(prompts(30)), output, config: await configOf(value) })).rejects.toThrow();
  expect(reportOf(output)).toMatchObject({ status: "running", budget_usd: 0.2 });
  open();
  const { status, reason } = await first;
  expect(status).toBe("pending");
  expect(reportOf(output)).toMatchObject({ status: "pending", reason, seconds_left: null });
  expect(reason).toMatch(/budget/);
});

test("what an interrupt keeps back has not failed", async () => {
  const { server, open } = await gate(3);
  await using _ = server;
  const output = newPath(".out.jsonl");
  const config = await configOf({ models: [model(server, "a", { max_concurrency: 2 })], completions_per_prompt: 1 });
  const drain = new AbortController();
  const running = runComplete({ input: rowsOf(prompts(30)), output, config, drain: drain.signal });
  await until(() => existsSync(`${output}.progress.json`) && reportOf(output).requests.answered === 3);
  drain.abort();
  open();
  expect(await running).toMatchObject({ status: "interrupted", exit_code: 130, models: { a: { failed: 0 } } });
  expect(reportOf(output)).toMatchObject({ status: "interrupted", requests: { failed: 0 } });
});

test("where the file cannot be written the run goes on, with a note; a dry run leaves none", async () => {
  await using server = await faultServer(() => answer(echo));
  const output = newPath(".out.jsonl");
  const config = await configOf({ models: [model(server, "a")], completions_per_prompt: 1 });
  await runComplete({ input: rowsOf(prompts(3)), output, config, dryRun: true });
  expect(existsSync(`${output}.progress.json`)).toBe(false);
  mkdirSync(`${output}.progress.json`);
  const notes: string[] = [];
  const result = await runComplete({ input: rowsOf(prompts(3)), output, config, onNote: (line) => notes.push(line) });
  expect(result).toMatchObject({ status: "done", rows: 3 });
  expect(notes.filter((line) => line.includes("cannot be written"))).toHaveLength(1);
});

test("generated dialogues: one budget and one count for topics and talk, a card, and rows that are dialogues", async () => {
  await using server = await faultServer((request) =>
    answer(
      request.body.model === "user" && !request.body.messages.some(({ role }) => role === "assistant")
        ? "1. What do bees eat?\n2. How do kites fly?"
        : (seen) => `${seen.body.model} says ${seen.body.messages.length}`,
    ),
  );
  const value = {
    user: model(server, "user", { max_tokens: 10 }),
    assistant: model(server, "assistant", { max_tokens: 10 }),
    dialogues_per_topic: 2,
    rounds: [2, 2],
    personas: ["a | b"],
  };
  const output = newPath(".out.jsonl");
  const input = rowsOf([{ topic: "bees" }]);
  const result = await runGenerateDialogues({ input, output, config: await configOf({ ...value, budget_usd: 1 }) });
  // One request for the first messages; per dialogue two answers and one more turn of the user.
  expect(server.requests).toHaveLength(7);
  expect(result).toMatchObject({ status: "done", rows: 2, models: { user: { answered: 3 }, assistant: { answered: 4 } } });
  expect(result.cost_usd).toBeCloseTo(7 * 0.02, 12);
  expect(reportOf(output)).toMatchObject({ rows: { done: 2, total: 2 }, requests: { answered: 7 }, cost_usd: result.cost_usd });
  const card = readFileSync(`${output}.card.md`, "utf8");
  expect(card).toContain("- cost: $0.1400");
  expect(card).toContain("| 2 | 2 |");
  expect(card).toContain("| a &#124; b | 2 |");

  // What the first messages cost is not to be had twice.
  const capped = newPath(".out.jsonl");
  const end = await runGenerateDialogues({ input, output: capped, config: await configOf({ ...value, budget_usd: 0.1 }) });
  expect(end).toMatchObject({ status: "pending", reason: expect.stringContaining("budget") });
  expect(end.cost_usd).toBeLessThanOrEqual(0.1);
  expect(server.requests.length - 7).toBeLessThanOrEqual(5);
});
