import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compareRuns, type Line } from "../../benchmarks/ratios/compare.ts";
import { findStacks } from "../../benchmarks/ratios/stacks.ts";
import { tableOf } from "../../benchmarks/ratios/table.ts";
import { deviceOrSkip } from "../../packages/train-webgpu/src/testing/device.ts";

const BARS = { ratios: true, measures: true };
const NO_BARS = { ratios: false, measures: false };

/** A run in which Zephyr takes `zephyr` ms, jax-js 300, tfjs 200 and PyTorch 10 for a product, and the log-probability of PyTorch is given. */
function runOf(zephyr: number, torchLogp = -4.5): Line[] {
  return [
    { peer: "zephyr", case: "matmul_512_nt", ms_median: zephyr },
    { peer: "jax-js-webgpu", case: "matmul_512", ms_median: 300 },
    { peer: "tfjs-webgpu", case: "matmul_512", ms_median: 200 },
    { peer: "torch-cpu", case: "matmul_512", ms_median: 10 },
    { peer: "zephyr", case: "logps_fwd_10,16,50", ms_median: 1, logp: -4.4999 },
    { peer: "torch-cpu", case: "logps_fwd_10,16,50", ms_median: 2, logp: torchLogp },
    { peer: "zephyr", case: "train_step_1,32,2,64,64,2,16", ms_median: 1, loss: 4 },
    { peer: "torch-cpu", case: "train_step_1,32,2,64,64,2,16", ms_median: 1, loss: 3 },
    { peer: "zephyr", case: "time_per_token_256", ms_median: 0.5 },
    { peer: "zephyr", case: "time_per_token_2048", ms_median: 0.9 },
    { peer: "zephyr", case: "peak_memory_V4096", mib: 100 },
    { peer: "zephyr", case: "peak_memory_V32768", mib: 300 },
  ];
}

describe("benchmarks/ratios.mjs", () => {
  it("takes each ratio within a run, and of the runs' ratios the median", () => {
    const { cases, measures } = compareRuns([runOf(20), runOf(100), runOf(40)], BARS);
    const [matmul] = cases;
    expect(matmul).toMatchObject({
      case: "matmul_512_nt",
      values: { zephyr: 40, "jax-js-webgpu": 300, "tfjs-webgpu": 200, "torch-cpu": 10 },
      overJavascript: { median: 5, least: 2, most: 10 },
      overTorch: { median: 4, least: 2, most: 10 },
      bars: [{ against: "javascript", bar: 3, aim: 5, reached: true }],
    });
    expect(measures.map(({ value, bars }) => [value.median, bars[0]!.reached])).toEqual([
      [1.8, false],
      [200, true],
    ]);
    expect(compareRuns([runOf(100)], BARS).cases[0]!.bars[0]!.reached).toBe(false);
    expect(compareRuns([runOf(100)], NO_BARS).cases[0]!.bars).toEqual([]);
    expect(compareRuns([runOf(100)], NO_BARS).measures[0]!.bars).toEqual([]);
  });

  it("tells a stack that computes other numbers, but not by a loss of other weights", () => {
    const agreement = (logp: number) => compareRuns([runOf(20, logp)], BARS).cases.flatMap((one) => one.agreement);
    expect(agreement(-4.5)).toEqual([{ peer: "torch-cpu", quantity: "logp", zephyr: -4.4999, peers: -4.5, agrees: true }]);
    expect(agreement(-4.52)).toMatchObject([{ agrees: false }]);
    const table = tableOf(compareRuns([runOf(20, -4.52)], BARS).cases, []);
    expect(table).toContain("NO: torch-cpu has logp -4.52, not -4.4999");
    expect(table).toContain("| matmul_512_nt | 20.0 ms | 300 ms | 200 ms | 10.0 ms | 10.0 | 2.00 | at least 3, aim 5: reached |");
  });

  it("leaves out what is not there, and says why", () => {
    const folder = mkdtempSync(join(tmpdir(), "zephyr-no-peers-"));
    try {
      writeFileSync(join(folder, "python"), "#!/bin/sh\necho no module named torch >&2\nexit 1\n", { mode: 0o755 });
      const { scripts, skipped } = findStacks({
        ZEPHYR_PEERS: folder,
        JAXJS_MODULE: join(folder, "jax.js"),
        TFJS_MODULE: join(folder, "python"),
        PYTHON: join(folder, "python"),
      });
      expect(scripts.map(({ peer }) => peer)).toEqual(["zephyr"]);
      const reasons = skipped.map(({ peer, reason }) => `${peer}: ${reason}`).join("\n");
      expect(reasons).toContain(`no scripts in ${folder}; name their folder in ZEPHYR_PEERS`);
      expect(reasons).toContain(`JAXJS_MODULE is "${join(folder, "jax.js")}", where there is no file`);
      expect(reasons).toContain("TFJS_WEBGPU_MODULE is not set");
      expect(reasons).toContain("cannot import torch: no module named torch");
      expect(reasons).toContain("trl-cpu");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("runs Zephyr alone where no other stack is named, and writes where and of what the numbers are", async (context) => {
    await deviceOrSkip(context);
    const folder = mkdtempSync(join(tmpdir(), "zephyr-ratios-test-"));
    try {
      const script = new URL("../../benchmarks/ratios.mjs", import.meta.url).pathname;
      const { PYTHON: _, JAXJS_MODULE: __, TFJS_MODULE: ___, ...environment } = process.env;
      const workload = { CASES: "logps", LOGPS: "10,16,50", ROUNDS: "1", MODEL: "1,32,2,64,64,2,16" };
      const json = join(folder, "ratios.json");
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, "--runs", "2", "--json", json], {
        encoding: "utf8",
        env: { ...environment, ...workload },
      });
      expect(status, stderr).toBe(0);
      expect(stdout).toMatch(/^\| logps_fwd_10,16,50 \| [\d.]+ ms \|/m);
      const result = JSON.parse(readFileSync(json, "utf8"));
      expect(JSON.parse(stdout.trim().split("\n").at(-1)!)).toEqual(result);
      expect(result).toMatchObject({
        machine: { cpu: expect.stringMatching(/./), cores: expect.any(Number) },
        adapter: expect.stringMatching(/./),
        runs: 2,
        settings: workload,
        failures: [],
      });
      expect(result.machine.load_before_each_run).toHaveLength(2);
      expect(result.cases.map((one: { case: string }) => one.case)).toEqual(["logps_fwd_10,16,50", "logps_fwdbwd_10,16,50"]);
      expect(result.skipped.map(({ peer }: { peer: string }) => peer)).toEqual(
        expect.arrayContaining(["jax-js-webgpu", "tfjs-webgpu", "torch-cpu", "trl-cpu"]),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
