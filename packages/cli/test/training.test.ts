import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { needsDevice } from "../src/testing/needs-device.ts";
import { reference, runCli, startCli, temporaryFolder } from "../src/testing/run-cli.ts";
import { type LogLine, trainingLog, untilLogged } from "../src/testing/training-log.ts";

const model = ["--model", reference("mistral")];
const pairs = reference("trl_dpo_run/preferences.jsonl");
const trlRun = [
  "--per-device-train-batch-size",
  "4",
  "--gradient-accumulation-steps",
  "2",
  "--learning-rate",
  "0.002",
  "--num-train-epochs",
  "2",
];
const trlRest = ["--weight-decay", "0.01", "--lr-scheduler-type", "cosine", "--warmup-ratio", "0.1", "--max-length", "0"];

describe("zephyr dpo", () => {
  it("reproduces TRL's run from the same rows, and a run killed with SIGKILL goes on to the same bits", async (context) => {
    await needsDevice(context);
    const folder = temporaryFolder();
    const args = [
      "dpo",
      ...model,
      "--data",
      pairs,
      ...trlRun,
      ...trlRest,
      "--train-sampling-strategy",
      "sequential",
      "--save-steps",
      "3",
    ];
    const whole = join(folder, "whole");
    const ran = await runCli([...args, "--output", whole, "--json"]);
    expect(ran).toMatchObject({ code: 0 });
    expect(JSON.parse(ran.stdout)).toMatchObject({ output: whole, steps: 10 });
    const expected: LogLine[] = JSON.parse(readFileSync(reference("trl_dpo_run/beta0.1/log_history.json"), "utf8"));
    const lines = trainingLog(whole);
    expect(lines).toHaveLength(10);
    for (const [i, line] of lines.entries()) {
      expect(Math.abs(line["loss"]! - expected[i]!["loss"]!), `loss of step ${i + 1}`).toBeLessThan(5e-5);
      expect(Math.abs(line["rewards/margins"]! - expected[i]!["rewards/margins"]!)).toBeLessThan(2e-4);
      expect(line["num_tokens"]).toBe(expected[i]!["num_tokens"]);
    }
    expect(lines[0]).toMatchObject({ step: 1, "rewards/margins": 0, "rewards/chosen": 0, learning_rate: 0 });

    const killed = join(folder, "killed");
    const first = startCli([...args, "--output", killed]);
    await untilLogged(killed, 4);
    first.kill("SIGKILL");
    expect((await first.result).signal).toBe("SIGKILL");
    // What a kill in the middle of a line leaves.
    writeFileSync(join(killed, "log_history.jsonl"), '{"step": 9, "lo', { flag: "a" });
    expect(await runCli([...args, "--output", killed])).toMatchObject({ code: 2 });
    const other = await runCli([...args, "--output", killed, "--resume", "--beta", "0.2"]);
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining("beta was 0.1, is 0.2") });
    const resumed = await runCli([...args, "--output", killed, "--resume"]);
    expect(resumed).toMatchObject({ code: 0, stderr: expect.stringMatching(/goes on after step 3|goes on after step 6/) });
    for (const name of ["model.safetensors", "log_history.jsonl", "trainer_state.json", "config.json"]) {
      expect(readFileSync(join(killed, name)).equals(readFileSync(join(whole, name))), name).toBe(true);
    }
    expect(readdirSync(killed).sort()).toEqual(readdirSync(whole).sort());
  });

  it("ends a run that is interrupted with 130 and a checkpoint, from which it goes on", async (context) => {
    await needsDevice(context);
    const output = join(temporaryFolder(), "run");
    const args = [
      "dpo",
      ...model,
      "--data",
      pairs,
      "--per-device-train-batch-size",
      "2",
      "--max-steps",
      "40",
      "--lora-r",
      "4",
      "--output",
      output,
    ];
    const running = startCli(args);
    await untilLogged(output, 1);
    running.kill("SIGINT");
    const { code, stderr } = await running.result;
    expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringContaining("--resume goes on") });
    const steps = trainingLog(output).length;
    expect(existsSync(join(output, `checkpoint-${steps}`))).toBe(true);
    expect(existsSync(join(output, "run.lock"))).toBe(false);
    const again = startCli([...args, "--resume"]);
    await untilLogged(output, steps + 1);
    again.kill("SIGTERM");
    expect((await again.result).code).toBe(130);
  });

  it("takes rows of ids with a model that has no tokenizer, and every kind of reference gives the same run", async (context) => {
    await needsDevice(context);
    const folder = temporaryFolder();
    const bare = join(folder, "bare");
    const { rows } = JSON.parse(readFileSync(reference("trl_dpo_run/tokenized.json"), "utf8"));
    writeFileSync(
      join(folder, "ids.jsonl"),
      rows
        .slice(0, 6)
        .map((row: object) => `${JSON.stringify(row)}\n`)
        .join(""),
    );
    const { mkdirSync } = await import("node:fs");
    mkdirSync(bare);
    for (const name of ["config.json", "model.safetensors"]) copyFileSync(reference(`mistral/${name}`), join(bare, name));
    const run = async (name: string, flags: string[]): Promise<LogLine[]> => {
      const output = join(folder, name);
      const args = [
        "dpo",
        "--model",
        bare,
        "--data",
        join(folder, "ids.jsonl"),
        "--max-steps",
        "2",
        "--output",
        output,
        ...flags,
      ];
      const { code, stderr } = await runCli([...args, "--per-device-train-batch-size", "3", "--learning-rate", "0.01"]);
      expect(code, stderr).toBe(0);
      return trainingLog(output);
    };
    const precomputed = await run("precompute", []);
    expect(await run("copy", ["--reference", "copy"])).toEqual(precomputed);
    expect(await run("other", ["--ref-model", bare])).toEqual(precomputed);
    expect(precomputed[1]!["rewards/margins"]).not.toBe(0);
    const desensitized = await run("ld", ["--ld-alpha", "0.5", "--use-weighting"]);
    expect(desensitized[0]).toMatchObject({ "rewards/margins": 0 });
    expect(desensitized[0]!["logps/chosen"]).not.toBe(precomputed[0]!["logps/chosen"]);
    expect(await run("ld-copy", ["--ld-alpha", "0.5", "--use-weighting", "--reference", "copy"])).toEqual(desensitized);
    const nf4 = ["--dtype", "nf4", "--lora-r", "2"];
    expect(await run("nf4", nf4)).not.toEqual(await run("f32", nf4.slice(2)));
    const off = await run("off", ["--lora-r", "2", "--lora-target-modules", "q_proj", "v_proj", "--reference", "adapter-off"]);
    expect(await run("on", ["--lora-r", "2", "--lora-target-modules", "q_proj,v_proj", "--reference", "precompute"])).toEqual(
      off,
    );
    expect(readdirSync(join(folder, "off"))).toContain("adapter_model.safetensors");
    // The reference's log-probabilities lie in the folder, and rows that hold them already are used as they are.
    const [prepared] = readdirSync(join(folder, "precompute/prepared"));
    copyFileSync(join(folder, "precompute/prepared", prepared!), join(folder, "ids.jsonl"));
    expect(await run("given", [])).toEqual(precomputed);
  });

  it("with --fp16 takes matrix units where there are any, and refuses before it begins where there are none", async (context) => {
    await needsDevice(context);
    const output = join(temporaryFolder(), "run");
    const { matrix_unit: unit } = JSON.parse((await runCli(["doctor", "--json"])).stdout);
    const ran = await runCli(["dpo", ...model, "--data", pairs, "--max-steps", "1", "--fp16", "--output", output, "--json"]);
    if (unit === null) expect(ran).toMatchObject({ code: 1, stderr: expect.stringMatching(/no matrix units.*--fp16/) });
    else expect(JSON.parse(ran.stdout)).toMatchObject({ adapter_class: "matrix", steps: 1 });
    expect(existsSync(join(output, "model.safetensors"))).toBe(unit !== null);
  });
});

describe("zephyr sft", () => {
  it("trains, evaluates at its steps, and logs as the contract says; rows without anything to learn leave no output", async (context) => {
    await needsDevice(context);
    const folder = temporaryFolder();
    const dialogue = (question: string, answer: string) => ({
      messages: [
        { role: "user", content: question },
        { role: "assistant", content: answer },
      ],
    });
    const rows = [
      dialogue("What is a kite?", "A toy that flies."),
      dialogue("Two and two?", "Four."),
      dialogue("Bye", "See you."),
    ];
    const data = join(folder, "rows.jsonl");
    writeFileSync(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const output = join(folder, "run");
    const config = join(folder, "sft.yaml");
    writeFileSync(
      config,
      "max_steps: 3\nper_device_train_batch_size: 2\nlearning_rate: 1e-2\nassistant_only_loss: true\neval_steps: 2\nmax_length: null\n",
    );
    const ran = await runCli([
      "sft",
      ...model,
      "--data",
      data,
      "--eval-data",
      data,
      "--config",
      config,
      "--save-steps",
      "0",
      "--output",
      output,
    ]);
    expect(ran.code, ran.stderr).toBe(0);
    const lines = trainingLog(output);
    expect(lines.map(({ step }) => step)).toEqual([1, 2, 2, 3]);
    for (const line of lines) {
      const evaluated = Object.keys(line).filter((name) => name.startsWith("eval_"));
      expect("loss" in line).toBe(evaluated.length === 0);
    }
    expect(lines[3]!["loss"]).toBeLessThan(lines[0]!["loss"]!);
    expect(lines[0]!["learning_rate"]).toBe(0.01);
    expect(JSON.parse(readFileSync(join(output, "trainer_state.json"), "utf8"))).toMatchObject({
      global_step: 3,
      log_history: lines,
    });
    expect(readdirSync(output)).toEqual(
      expect.arrayContaining(["config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"]),
    );
    const report = await runCli(["report", output]);
    expect(report).toMatchObject({ code: 0, stdout: `${join(output, "report.html")}\n` });

    writeFileSync(data, `${JSON.stringify({ messages: [{ role: "user", content: "No answer" }] })}\n`);
    const failed = await runCli([
      "sft",
      ...model,
      "--data",
      data,
      "--config",
      config,
      "--output",
      join(folder, "none"),
      "--assistant-only-loss",
    ]);
    expect(failed.code).toBe(2);
    const failure = await runCli(["sft", ...model, "--data", data, "--assistant-only-loss", "--output", join(folder, "none")]);
    expect(failure).toMatchObject({ code: 1, stderr: expect.stringContaining("train on nothing") });
    expect(existsSync(join(folder, "none"))).toBe(false);
  });
});
