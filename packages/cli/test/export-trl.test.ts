import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { reference, runCli, temporaryFolder } from "../src/testing/run-cli.ts";

// What `zephyr export trl` writes, given to the real TRL. `ZEPHYR_PYTHON` names a Python that has it; the default is python3.

const python = process.env["ZEPHYR_PYTHON"] ?? "python3";
const run = promisify(execFile);
let missing: string | undefined;
beforeAll(async () => {
  missing = await run(python, ["-c", "import trl, peft, accelerate"]).then(
    () => undefined,
    (error: Error & { stderr?: string }) =>
      `${python} has no TRL (${(error.stderr ?? error.message).trim().split("\n").at(-1)}); set ZEPHYR_PYTHON`,
  );
});

/** Trains by TRL's own script on the CPU and returns its log. */
async function train(method: "sft" | "dpo", output: string): Promise<Record<string, number>[]> {
  const onCpu = ["--use_cpu", "true", "--bf16", "false", "--report_to", "none"];
  await run(python, ["-m", `trl.scripts.${method}`, "--config", join(output, "trl.yaml"), ...onCpu], {
    env: { ...process.env, HF_HUB_OFFLINE: "1" },
  });
  const state = readFileSync(join(output, "run", `checkpoint-2`, "trainer_state.json"), "utf8");
  return JSON.parse(state).log_history;
}

/** What accelerate makes of its file. */
async function accelerated(output: string): Promise<unknown> {
  const code = `import json, sys
from accelerate.commands.config.config_args import load_config_from_file
print(json.dumps(load_config_from_file(sys.argv[1]).to_dict(), default=str))`;
  const { stdout } = await run(python, ["-c", code, join(output, "accelerate.yaml")]);
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

describe("TRL goes on with", () => {
  it("a stage of sft: adapter, packing, a template that the model has not", async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const folder = temporaryFolder();
    const [data, output] = [join(folder, "rows.jsonl"), join(folder, "trl")];
    const dialogue = (i: number) => ({
      messages: [
        { role: "user", content: `Question ${i}?` },
        { role: "assistant", content: "So it is." },
      ],
    });
    writeFileSync(data, [1, 2, 3].map((i) => `${JSON.stringify(dialogue(i))}\n`).join(""));
    const flags =
      "--chat-template-path zephyr --packing --max-length 64 --lora-r 4 --lora-dropout 0.05 --max-steps 2 --warmup-ratio 0.1".split(
        " ",
      );
    const ran = await runCli([
      "export",
      "trl",
      "--method",
      "sft",
      "--model",
      reference("mistral"),
      "--data",
      data,
      "--output",
      output,
      ...flags,
    ]);
    expect(ran.code, ran.stderr).toBe(0);
    const [first] = await train("sft", output);
    expect(first).toMatchObject({ step: 1, learning_rate: 0, loss: expect.any(Number) });
    const adapter = JSON.parse(readFileSync(join(output, "run/adapter_config.json"), "utf8"));
    expect(adapter).toMatchObject({ r: 4, lora_dropout: 0.05, task_type: "CAUSAL_LM" });
    expect(await accelerated(output)).toMatchObject({ distributed_type: "FSDP", num_processes: 8, mixed_precision: "bf16" });
  });

  it("a stage of dpo: weighted losses, held-out pairs, ZeRO-3", async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const output = join(temporaryFolder(), "trl");
    const pairs = reference("trl_dpo_run/preferences.jsonl");
    const flags =
      "--eval-steps 1 --max-steps 2 --sharding zero3 --loss-type sigmoid,hinge --loss-weights 1,0.5 --per-device-train-batch-size 4".split(
        " ",
      );
    const source = ["--model", reference("mistral"), "--data", pairs, "--eval-data", pairs];
    const ran = await runCli(["export", "trl", "--method", "dpo", ...source, "--output", output, ...flags]);
    expect(ran.code, ran.stderr).toBe(0);
    const log = await train("dpo", output);
    // Before the policy moves the sigmoid loss is log 2 and the hinge loss 1: both arrived, with their weights.
    expect(log[0]).toMatchObject({
      step: 1,
      loss: expect.closeTo(Math.log(2) + 0.5, 3),
      "rewards/margins": expect.closeTo(0, 3),
    });
    expect(log.some((line) => "eval_loss" in line)).toBe(true);
    expect(existsSync(join(output, "run/model.safetensors"))).toBe(true);
    expect(await accelerated(output)).toMatchObject({ distributed_type: "DEEPSPEED", deepspeed_config: { zero_stage: 3 } });
  });
});
