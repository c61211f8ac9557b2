import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { needsDevice } from "../src/testing/needs-device.ts";
import { reference, runCli, startCli, temporaryFolder } from "../src/testing/run-cli.ts";
import { trainingLog, untilLogged } from "../src/testing/training-log.ts";

const model = ["--model", reference("mistral")];
const pairs = readFileSync(reference("trl_dpo_run/preferences.jsonl"), "utf8").trimEnd().split("\n");

const write = (path: string, lines: readonly string[]): string => {
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
  return path;
};
const same = (a: string, b: string, name: string): void =>
  expect(readFileSync(join(a, name)).equals(readFileSync(join(b, name))), name).toBe(true);

describe("a run that watches held-out pairs", () => {
  it("stops early, keeps the best model and few checkpoints; killed and resumed it ends in the same bytes", async (context) => {
    await needsDevice(context);
    const folder = temporaryFolder();
    const flags = {
      data: write(join(folder, "train.jsonl"), pairs.slice(0, 6)),
      "eval-data": write(join(folder, "test.jsonl"), pairs.slice(30, 34)),
      "eval-steps": "2",
      "save-steps": "1",
      "save-total-limit": "2",
      "early-stopping-patience": "3",
      "learning-rate": "3e-3",
      "lr-scheduler-type": "constant",
      "per-device-train-batch-size": "2",
      "max-steps": "60",
    };
    const args = [
      "dpo",
      ...model,
      "--load-best-model-at-end",
      ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    ];
    const whole = join(folder, "whole");
    const ran = await runCli([...args, "--output", whole]);
    expect(ran.code, ran.stderr).toBe(0);
    const lines = trainingLog(whole);
    const held = lines.filter((line) => "eval_loss" in line);
    // As in the paper's figure: the rewards of training and of held-out pairs, step by step.
    for (const line of held)
      expect(line).toMatchObject({ "eval_rewards/accuracies": expect.any(Number), "eval_rewards/margins": expect.any(Number) });
    for (const line of lines.filter((one) => "loss" in one)) expect(line["rewards/accuracies"]).toBeGreaterThanOrEqual(0);
    const best = held.reduce((found, line) => (line["eval_loss"]! < found["eval_loss"]! ? line : found));
    const last = held.at(-1)!;
    expect(ran.stderr).toContain(
      `stopped early after step ${last["step"]}: 3 evaluations without an improvement on step ${best["step"]}`,
    );
    expect(last["step"]! - best["step"]!).toBe(6);
    expect(last["step"]).toBeLessThan(60);
    expect(
      readdirSync(whole)
        .filter((name) => name.startsWith("checkpoint-"))
        .sort(),
    ).toEqual([`checkpoint-${best["step"]}`, `checkpoint-${last["step"]}`].sort());
    same(whole, join(whole, `checkpoint-${best["step"]}`), "model.safetensors");
    expect(
      readFileSync(join(whole, "model.safetensors")).equals(
        readFileSync(join(whole, `checkpoint-${last["step"]}`, "model.safetensors")),
      ),
    ).toBe(false);
    expect(JSON.parse(readFileSync(join(whole, "trainer_state.json"), "utf8"))).toMatchObject({
      global_step: last["step"],
      max_steps: 60,
      best_metric: best["eval_loss"],
      best_global_step: best["step"],
    });

    const killed = join(folder, "killed");
    const first = startCli([...args, "--output", killed]);
    await untilLogged(killed, 5);
    first.kill("SIGKILL");
    await first.result;
    const other = await runCli([...args, "--output", killed, "--resume", "--early-stopping-threshold", "0.5"]);
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining("early_stopping_threshold was 0, is 0.5") });
    const resumed = await runCli([...args, "--output", killed, "--resume"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    for (const name of ["model.safetensors", "log_history.jsonl", "trainer_state.json"]) same(killed, whole, name);
    expect(readdirSync(killed).sort()).toEqual(readdirSync(whole).sort());
    // A run that had stopped early has nothing left to do.
    const again = await runCli([...args, "--output", killed, "--resume"]);
    expect(again.code, again.stderr).toBe(0);
    for (const name of ["model.safetensors", "log_history.jsonl", "trainer_state.json"]) same(killed, whole, name);
  }, 400_000);

  it("refuses to stop early or to load the best without evaluations, and a metric that is not measured", async (context) => {
    await needsDevice(context);
    const folder = temporaryFolder();
    const data = write(join(folder, "train.jsonl"), pairs.slice(0, 4));
    const args = ["dpo", ...model, "--data", data, "--max-steps", "2", "--output", join(folder, "run")];
    for (const flag of [["--load-best-model-at-end"], ["--early-stopping-patience", "2"]]) {
      const { code, stderr } = await runCli([...args, ...flag]);
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("give --eval-data and --eval-steps") });
    }
    const wrong = await runCli([...args, "--eval-data", data, "--eval-steps", "1", "--metric-for-best-model", "accuracy"]);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/eval_accuracy is not measured; there are eval_loss/) });
  });
});

describe("a run that breaks", () => {
  it.for<[string, string[], RegExp]>([
    ["whose loss explodes", ["--learning-rate", "30"], /step \d+ has loss \S+, the first step had .*--learning-rate/],
    ["whose loss is no number", ["--learning-rate", "1e30", "--loss-limit", "0"], /step \d+ has loss .*gradient norm/],
  ])(
    "%s ends with the step and the rows, by their place in the data, and leaves its checkpoints",
    async ([, flags, message], context) => {
      await needsDevice(context);
      const folder = temporaryFolder();
      const data = write(
        join(folder, "train.jsonl"),
        ["Kites fly.", "Two and two are four.", "The sea is deep."].map((text) => JSON.stringify({ text })),
      );
      const output = join(folder, "run");
      const args = ["sft", ...model, "--data", data, "--lr-scheduler-type", "constant", "--save-steps", "1", "--output", output];
      const ran = await runCli([
        ...args,
        "--per-device-train-batch-size",
        "1",
        "--max-steps",
        "40",
        "--max-grad-norm",
        "0",
        ...flags,
      ]);
      expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) });
      const step = Number(/step (\d+) has loss/.exec(ran.stderr)![1]);
      expect(ran.stderr).toMatch(/rows are row [012]\b/);
      expect(existsSync(join(output, `checkpoint-${step - 1}`))).toBe(true);
      expect(existsSync(join(output, `checkpoint-${step}`))).toBe(false);
      expect(existsSync(join(output, "model.safetensors"))).toBe(false);
      expect(existsSync(join(output, "run.lock"))).toBe(false);
    },
  );
});
