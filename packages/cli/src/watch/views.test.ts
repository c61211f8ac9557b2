import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../testing/run-cli.ts";
import { feedbackView } from "./feedback-view.ts";
import { followFile } from "./follow-file.ts";
import { keptSamples } from "./kept-samples.ts";
import { recipeView } from "./recipe-view.ts";

const report = (more: object = {}): object => ({
  command: "complete",
  output: "c.jsonl",
  status: "running",
  pid: process.pid,
  host: hostname(),
  began: 1,
  // Ahead of time, so that a slow machine does not let it grow old.
  updated: Date.now() / 1000 + 3600,
  rows: { done: 3, failed: 1, duplicates: 2, total: 10 },
  requests: { answered: 6, resumed: 2, failed: 1, total: 16 },
  tokens: { prompt: 60, completion: 30 },
  cost_usd: 0.5,
  projected_cost_usd: 1,
  budget_usd: 2,
  rows_per_second: 2,
  seconds_left: 3,
  warnings: { "a: odd": 2 },
  models: {
    a: {
      answered: 6,
      resumed: 2,
      failed: 1,
      total: 16,
      prompt_tokens: 60,
      completion_tokens: 30,
      cost_usd: 0.5,
      waits_seconds: 4,
    },
  },
  ...more,
});

/** The number of a process that has ended. */
const endedProcess = (): number => spawnSync(process.execPath, ["-e", ""]).pid;

describe("followFile and feedbackView", () => {
  it("tell what a file says, once for each change, and that its process was killed", async () => {
    const path = join(temporaryFolder(), "c.jsonl.progress.json");
    const job = followFile(path, (json) => feedbackView(3, "c.jsonl", json));
    expect(await job.poll()).toBeUndefined();
    writeFileSync(path, JSON.stringify(report()));
    expect(await job.poll()).toMatchObject({
      id: 3,
      name: "c.jsonl",
      status: "running",
      rows: { done: 5, failed: 1, total: 10 },
      requests: { answered: 8, failed: 1, total: 16 },
      seconds_left: 3,
      models: [{ name: "a", answered: 8, waits_seconds: 4 }],
      warnings: [{ text: "a: odd", count: 2 }],
    });
    expect(await job.poll()).toBeUndefined();
    writeFileSync(path, JSON.stringify(report({ pid: endedProcess() })));
    expect(await job.poll()).toMatchObject({ status: "stopped", seconds_left: null });
    writeFileSync(path, "{ torn");
    expect(await job.poll()).toBeUndefined();
    expect(job.last()).toMatchObject({ status: "stopped" });
    // Of another machine: by when it was renewed.
    writeFileSync(path, JSON.stringify(report({ host: "elsewhere", pid: 1 })));
    expect(await job.poll()).toMatchObject({ status: "running" });
    writeFileSync(path, JSON.stringify(report({ host: "elsewhere", updated: Date.now() / 1000 - 3600 })));
    expect(await job.poll()).toMatchObject({ status: "stopped" });
  });

  it("take nothing from a file but numbers and short texts", () => {
    expect(feedbackView(0, "x", null)).toBeUndefined();
    expect(feedbackView(0, "x", [])).toBeUndefined();
    expect(feedbackView(0, "x", {})).toBeUndefined();
    const odd = {
      rows: { done: "many", total: -5 },
      cost_usd: "1e999",
      models: { b: null },
      warnings: ["y"],
      reason: "r".repeat(9999),
    };
    const view = feedbackView(0, "x", report(odd))!;
    expect(view).toMatchObject({ rows: { done: 0, failed: 0, total: 0 }, cost_usd: 0, models: [{ name: "b", answered: 0 }] });
    expect(view.reason.length).toBeLessThan(500);
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`m${i}`, {}]));
    expect(feedbackView(0, "x", report({ models: many, warnings: many }))!.models.length).toBeLessThan(100);
  });
});

describe("recipeView", () => {
  it("gives a recipe that was killed stages that were stopped, and leaves the plan's unknowns open", () => {
    const { pid, host, updated } = report() as { pid: number; host: string; updated: number };
    const stages = [
      { name: "sft", command: "sft", status: "done", seconds: 5, rows: 3, steps: 4 },
      { name: "dDPO", command: "dpo", status: "running", began: 7, rows: null, cost_usd: [1, 2] },
      { name: "report", command: "report", status: "to do", cost_usd: [null, "x"] },
    ];
    const of = (more: object) => recipeView(0, "run", { status: "running", pid, host, updated, stages, ...more })!;
    expect(of({}).stages.map(({ status }) => status)).toEqual(["done", "running", "to do"]);
    expect(of({ pid: endedProcess() }).stages.map(({ status }) => status)).toEqual(["done", "stopped", "to do"]);
    expect(of({}).stages).toMatchObject([
      { seconds: 5, rows: 3, steps: 4, requests: null, cost_usd: null },
      { began: 7, rows: null, cost_usd: [1, 2] },
      { cost_usd: null },
    ]);
    expect(recipeView(0, "run", { stages: 3 })).toBeUndefined();
  });
});

describe("keptSamples", () => {
  const sample = (step: number, completion = `at ${step}`, prompt: unknown = "why?"): string =>
    JSON.stringify({ step, prompt_id: "p", prompt, completion, finish_reason: "length" });

  it("keeps the first, the newest and evenly of the rest, in bounded number; each prompt once", () => {
    const kept = keptSamples();
    let thinned = 0;
    for (let step = 0; step <= 1000; step++) if (kept.take([sample(step)]).thinned) thinned++;
    const steps = kept.samples.map(({ step }) => step);
    expect(steps.length).toBeLessThanOrEqual(200);
    expect([steps[0], steps.at(-1)]).toEqual([0, 1000]);
    expect(thinned).toBeGreaterThan(0);
    expect(kept.prompts).toEqual([{ prompt_id: "p", turns: [{ role: "", content: "why?" }] }]);
  });

  it("counts lines that are no samples, and cuts texts that nobody could read", () => {
    const kept = keptSamples();
    const turns = [{ role: "user", content: "x".repeat(1e5) }, null];
    const { samples, prompts } = kept.take([sample(1, "y".repeat(1e5), turns), "{", '{"step":"1"}', '{"step":1,"completion":2}']);
    expect(kept.faults).toBe(3);
    expect(samples).toMatchObject([{ step: 1, is_cut: true }]);
    expect(samples[0]!.completion.length).toBeLessThan(10_000);
    expect(prompts[0]!.turns.map(({ content }) => content.length < 3000)).toEqual([true, true]);
  });
});
