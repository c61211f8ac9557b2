import { appendFileSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFolder } from "../testing/run-cli.ts";
import type { TimingLine } from "../training/timing.ts";
import { findSources } from "./find-sources.ts";
import { followRun, type RunUpdate } from "./follow-run.ts";
import { logRow } from "./log-row.ts";
import { runClock } from "./run-clock.ts";
import { tailFile } from "./tail-file.ts";
import { thinnedRows } from "./thinned-rows.ts";
import { serveWatch } from "./watch-server.ts";

const line = (value: object): string => `${JSON.stringify(value)}\n`;
const timing = (step: number, time: number, more: Partial<TimingLine> = {}): TimingLine => ({
  step,
  max_steps: 10,
  time,
  samples: 8 * step,
  num_tokens: 1000 * step,
  memory_mib: 100,
  ...more,
});

describe("tailFile", () => {
  it("gives each line once, and a torn one when it is whole", async () => {
    const path = join(temporaryFolder(), "log");
    const read = tailFile(path);
    expect(await read()).toEqual({ rewritten: false, lines: [], tooLong: 0 });
    writeFileSync(path, "one\ntwo\nthr");
    expect((await read()).lines).toEqual(["one", "two"]);
    appendFileSync(path, "ee\nföur\n");
    expect(await read()).toEqual({ rewritten: false, lines: ["three", "föur"], tooLong: 0 });
    expect((await read()).lines).toEqual([]);
  });

  it("reads a file anew that was replaced, cut, or written over in place, also by a longer one", async () => {
    const path = join(temporaryFolder(), "log");
    const read = tailFile(path);
    writeFileSync(path, "a1\na2\na3\n");
    await read();
    writeFileSync(`${path}.new`, "a1\n");
    renameSync(`${path}.new`, path);
    expect(await read()).toMatchObject({ rewritten: true, lines: ["a1"] });
    writeFileSync(path, "b1\nb2\nb3\n");
    expect(await read()).toMatchObject({ rewritten: true, lines: ["b1", "b2", "b3"] });
    rmSync(path);
    expect(await read()).toMatchObject({ rewritten: true, lines: [] });
  });

  it("leaves out a line over 1 MiB and goes on behind it", async () => {
    const path = join(temporaryFolder(), "log");
    const read = tailFile(path);
    writeFileSync(path, `${"x".repeat(3 * 2 ** 20)}`);
    expect((await read()).lines).toEqual([]);
    appendFileSync(path, "x\nnext\n");
    expect(await read()).toEqual({ rewritten: false, lines: ["next"], tooLong: 1 });
  });
});

describe("logRow", () => {
  it("keeps the finite numbers of a line, whatever else it holds", () => {
    expect({ ...logRow('{"step":3,"loss":0.5,"note":"x","deep":{"a":1},"__proto__":{"b":2},"big":1e999}') }).toEqual({
      step: 3,
      loss: 0.5,
    });
    for (const bad of ["", "{", "[1]", "null", '{"loss":1}', '{"step":-1}', '{"step":1.5}', '{"step":"1"}'])
      expect(logRow(bad), bad).toBeUndefined();
  });
});

describe("thinnedRows", () => {
  it("keeps at most as many as it may, evenly over the whole run", () => {
    const kept = thinnedRows(100);
    for (let step = 1; step <= 10_000; step++) kept.push({ step });
    expect(kept.rows.length).toBeLessThanOrEqual(100);
    const gaps = new Set(kept.rows.slice(1).map(({ step }, i) => step - kept.rows[i]!.step));
    expect([...gaps]).toEqual([kept.stride]);
    expect(kept.rows.at(-1)!.step).toBeGreaterThan(10_000 - kept.stride);
  });
});

describe("runClock", () => {
  it("gives rates from the second step on, and the time left at the speed of the last steps", () => {
    const clock = runClock();
    expect(clock.tick(timing(0, 100, { begin: true }))).toBeUndefined();
    // The first step compiles the kernels.
    expect(clock.tick(timing(1, 160))).toBeUndefined();
    expect(clock.secondsLeft()).toBeUndefined();
    expect(clock.tick(timing(2, 162))).toEqual({
      step: 2,
      tokens_per_second: 500,
      samples_per_second: 4,
      seconds_per_step: 2,
      memory_mib: 100,
    });
    expect(clock.secondsLeft()).toBe(16);
    // It was stopped, and goes on an hour later.
    expect(clock.tick(timing(2, 4000, { begin: true }))).toBeUndefined();
    expect(clock.tick(timing(3, 4030))).toBeUndefined();
    expect(clock.tick(timing(4, 4034))).toMatchObject({ tokens_per_second: 250 });
    expect(clock.secondsLeft()).toBe(24);
  });
});

describe("followRun", () => {
  it("tells what is new, and everything after the log was cut back to a checkpoint", async () => {
    const folder = temporaryFolder();
    const [log, times] = [join(folder, "log_history.jsonl"), join(folder, "timing.jsonl")];
    const run = followRun(4, "dpo", folder);
    expect(await run.poll()).toMatchObject({ id: 4, name: "dpo", state: "waiting", rows: [], step: 0, max_steps: null });
    expect(await run.poll()).toBeUndefined();
    writeFileSync(log, [1, 2, 3].map((step) => line({ step, loss: 1 / step })).join("") + line({ step: 3, eval_loss: 0.4 }));
    writeFileSync(times, [line(timing(0, 0, { begin: true })), ...[1, 2, 3].map((step) => line(timing(step, step)))].join(""));
    const first = (await run.poll())!;
    expect(first).toMatchObject({ state: "running", step: 3, max_steps: 10, seconds_left: 7, reset: false, faults: 0 });
    expect(first.rows.map(({ step, ...metrics }) => [step, Object.keys(metrics)[0]])).toEqual([
      [1, "loss"],
      [2, "loss"],
      [3, "loss"],
      [3, "eval_loss"],
      [2, "tokens_per_second"],
      [3, "tokens_per_second"],
    ]);
    appendFileSync(log, "no json\n");
    expect(await run.poll()).toMatchObject({ rows: [], faults: 1 });
    const sample = (step: number): string => line({ step, prompt_id: "p", prompt: "q", completion: `at ${step}` });
    writeFileSync(join(folder, "samples.jsonl"), sample(0) + sample(2));
    expect(await run.poll()).toMatchObject({ reset: false, samples: [{ step: 0 }, { step: 2 }], prompts: [{ prompt_id: "p" }] });
    writeFileSync(join(folder, "samples.jsonl"), sample(0));
    expect(await run.poll()).toMatchObject({ reset: true, samples: [{ step: 0 }] });

    // `--resume` from step 1.
    writeFileSync(`${log}.new`, line({ step: 1, loss: 1 }));
    renameSync(`${log}.new`, log);
    expect(await run.poll()).toMatchObject({ reset: true, step: 1, faults: 0 });
    appendFileSync(log, line({ step: 2, loss: 0.25 }));
    appendFileSync(times, line(timing(1, 60, { begin: true })) + line(timing(2, 61)));
    const resumed = (await run.poll())!;
    expect(resumed).toMatchObject({ reset: true, step: 2 });
    expect(resumed.rows.map(({ step, ...metrics }) => [step, Object.keys(metrics)[0]])).toEqual([
      [1, "loss"],
      [2, "loss"],
    ]);
    writeFileSync(join(folder, "trainer_state.json"), "{}");
    expect(await run.poll()).toMatchObject({ state: "finished", seconds_left: null });
    // Another process has begun to write: this one.
    writeFileSync(join(folder, "run.lock"), String(process.pid));
    expect(await run.poll()).toMatchObject({ state: "running" });
  });
});

it("a run without a trainer's state is finished when weights have come after its log", async () => {
  const folder = temporaryFolder();
  const log = join(folder, "log_history.jsonl");
  const weights = join(folder, "adapter_model.safetensors");
  writeFileSync(log, line({ step: 1, loss: 1 }));
  writeFileSync(weights, "");
  const hourAgo = Date.now() / 1000 - 3600;
  utimesSync(log, hourAgo, hourAgo);
  utimesSync(weights, hourAgo - 10, hourAgo - 10);
  const run = followRun(1, "run", folder);
  expect(await run.poll()).toMatchObject({ state: "stopped" });
  utimesSync(weights, hourAgo + 10, hourAgo + 10);
  expect(await run.poll()).toMatchObject({ state: "finished" });
  appendFileSync(log, line({ step: 2, loss: 1 }));
  expect(await run.poll()).toMatchObject({ state: "running", step: 2 });
});

describe("findSources", () => {
  it("finds logs below a folder, not in checkpoints, and takes a folder without anything as a run to come", () => {
    const root = temporaryFolder();
    for (const name of ["a", "b/c", "a/checkpoint-5", "empty"]) mkdirSync(join(root, name), { recursive: true });
    for (const name of ["a", "b/c", "a/checkpoint-5"]) writeFileSync(join(root, name, "log_history.jsonl"), "");
    const runs = (...given: string[]) => findSources(given).runs.map(({ name }) => name);
    expect(runs(root)).toEqual(["a", "b/c"]);
    expect(runs(join(root, "a"), join(root, "empty"))).toEqual(["a", "empty"]);
  });

  it("finds progress files of feedback and recipes, not in journals; an output stands for its own", () => {
    const root = temporaryFolder();
    for (const name of ["run/sft", "run/c.jsonl.journal"]) mkdirSync(join(root, name), { recursive: true });
    for (const name of ["sft/log_history.jsonl", "c.jsonl.progress.json", "c.jsonl.journal/x.progress.json", "progress.json"])
      writeFileSync(join(root, "run", name), "");
    const { runs, feedback, recipes } = findSources([root]);
    expect([runs, feedback, recipes].map((found) => found.map(({ name }) => name))).toEqual([
      ["run/sft"],
      ["run/c.jsonl"],
      ["run"],
    ]);
    const output = join(root, "run/c.jsonl");
    expect(findSources([output])).toEqual({
      runs: [],
      feedback: [{ name: "c.jsonl", path: `${output}.progress.json` }],
      recipes: [],
    });
  });
});

describe("serveWatch", () => {
  const start = async (folder: string) => {
    const server = await serveWatch({ folders: [folder], port: 0, seconds: 0.02, onFault: () => {} });
    onTestFinished(() => server[Symbol.asyncDispose]());
    return server;
  };
  const get = (url: string, options: object = {}): Promise<number> =>
    new Promise((resolve, reject) => {
      request(url, options, (response) => resolve(response.resume().statusCode!))
        .on("error", reject)
        .end();
    });

  it("sends everything, then what is new", async () => {
    const folder = temporaryFolder();
    const log = join(folder, "log_history.jsonl");
    writeFileSync(log, line({ step: 1, loss: 0.5 }));
    const { url } = await start(folder);
    const response = await fetch(`${url}events`);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const next = async (): Promise<RunUpdate> => {
      for (;;) {
        const found = /data: (.*)\n\n/.exec(text);
        if (found) {
          text = text.slice(found.index + found[0].length);
          return JSON.parse(found[1]!).runs[0];
        }
        text += (await reader.read()).value ?? "";
      }
    };
    expect(await next()).toMatchObject({ reset: true, rows: [{ step: 1, loss: 0.5 }] });
    appendFileSync(log, line({ step: 2, loss: 0.25 }));
    expect(await next()).toMatchObject({ reset: false, rows: [{ step: 2, loss: 0.25 }] });
    await reader.cancel();
  });

  it("answers to this machine's names alone, to reading alone, and with its own files alone", async () => {
    const { url } = await start(temporaryFolder());
    const port = new URL(url).port;
    expect(await get(url)).toBe(200);
    expect(await get(url, { headers: { host: `localhost:${port}` } })).toBe(200);
    expect(await get(url, { headers: { host: `evil.example:${port}` } })).toBe(403);
    expect(await get(`${url}events`, { headers: { host: `evil.example:${port}` } })).toBe(403);
    expect(await get(url, { method: "POST" })).toBe(405);
    for (const path of ["..%2f..%2fpackage.json", "page/index.html", "log_history.jsonl", "constructor"])
      expect(await get(`${url}${path}`), path).toBe(404);
    const policy = (await fetch(url)).headers.get("content-security-policy")!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
  });
});
