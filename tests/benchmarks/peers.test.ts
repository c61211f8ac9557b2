import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { logpsOperands } from "../../benchmarks/peers/clock.mjs";
import type { Measurement } from "../../benchmarks/peers/measure.ts";
import { readSettings } from "../../benchmarks/peers/settings.ts";
import { deviceOrSkip } from "../../packages/train-webgpu/src/testing/device.ts";

type Line = Measurement & { peer: string; adapter: string };

const WORKLOAD = {
  CASES: "logps,dpo_step,generate",
  ROUNDS: "2",
  MODEL: "1,32,2,64,64,2,16",
  LOGPS: "10,16,50",
  GENERATE: "2,5,3",
};

function run(environment: Record<string, string>): { status: number | null; lines: Line[]; stderr: string } {
  const script = new URL("../../benchmarks/peers.mjs", import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  const lines = stdout.split("\n").filter(Boolean);
  return { status, lines: lines.map((line) => JSON.parse(line) as Line), stderr };
}

/** Mean log-probability of the targets of `logps_...`, in float64. */
function meanLogp(rows: number, width: number, vocabulary: number): number {
  const { x, head, targets } = logpsOperands({ rows, width, vocabulary });
  let total = 0;
  for (let n = 0; n < rows; n++) {
    const logits = Array.from({ length: vocabulary }, (_, v) =>
      x.subarray(n * width, (n + 1) * width).reduce((sum, value, c) => sum + value * head[v * width + c]!, 0),
    );
    total += logits[targets[n]!]! - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  }
  return total / rows;
}

describe("benchmarks/peers.mjs", () => {
  it("prints a line for each case of log-probability, DPO and generation, with numbers that can be checked", async (context) => {
    await deviceOrSkip(context);
    const { status, lines, stderr } = run(WORKLOAD);
    expect(status, stderr).toBe(0);
    expect(lines.map((line) => line.case)).toEqual([
      "logps_fwd_10,16,50",
      "logps_fwdbwd_10,16,50",
      "dpo_step_1,32,2,64,64,2,16",
      "generate_2,5,3",
    ]);
    for (const { peer, adapter, ms_median: median, ms_min: least } of lines) {
      expect({ peer, adapter }).toEqual({ peer: "zephyr", adapter: expect.stringMatching(/./) });
      expect(least).toBeGreaterThan(0);
      expect(median).toBeGreaterThanOrEqual(least!);
    }
    const [forward, backward, dpo, generate] = lines as [Line, Line, Line, Line];
    expect(forward.logp).toBeCloseTo(meanLogp(10, 16, 50), 3);
    expect(backward.logp).toBe(forward.logp);
    expect(backward.grad_norm).toBeGreaterThan(0);
    // It begins at ln 2, as the policy is its own reference, and four steps bring it down.
    expect(dpo.loss).toBeLessThan(Math.log(2));
    expect(dpo.loss).toBeGreaterThan(0.1);
    // The likeliest of 64 tokens is at least as likely as the average.
    expect(generate.logp).toBeGreaterThanOrEqual(-Math.log(64));
    expect(generate.logp).toBeLessThan(0);
  });

  it("refuses a workload that it cannot read, naming the variable", () => {
    expect(() => readSettings({ CASES: "logps,dpo" })).toThrow(/CASES names "dpo"; there are .*dpo_step/);
    expect(() => readSettings({ LOGPS: "10,16" })).toThrow(/LOGPS is "10,16"; give 3 whole numbers/);
    expect(() => readSettings({ GENERATE: "0,5,3" })).toThrow(/GENERATE/);
  });
});
