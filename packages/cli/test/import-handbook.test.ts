import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { dpoFlags } from "../src/commands/dpo.ts";
import { flagValues, readConfig } from "../src/flags/read-arguments.ts";
import { importHandbook } from "../src/import/handbook.ts";
import { runCli, temporaryFolder } from "../src/testing/run-cli.ts";
import { checkTrainingFlags } from "../src/training/training-settings.ts";

describe("zephyr import", () => {
  it("a handbook recipe becomes a config, and held-out splits are not trained on", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "config_full.yaml");
    writeFileSync(
      file,
      `model_name_or_path: org/sft
dataset_mixture:
  datasets:
    - { id: org/pairs, split: train_prefs, weight: 1.0 }
    - { id: org/pairs, split: test_prefs, weight: 1.0 }
bf16: true
use_peft: true
load_in_4bit: true
lora_r: 128
lora_dropout: 0.05
chat_template: "<|system|> <|user|> <|assistant|> {{ eos_token }}"
beta: 0.01
learning_rate: 5.0e-7
max_prompt_length: 512
optim: rmsprop
eval_strategy: steps
eval_steps: 100
report_to: [tensorboard, wandb]
warmup_ratio: 0.1
output_dir: data/run
`,
    );
    const output = join(folder, "dpo.yaml");
    const ran = await runCli(["import", file, "--output", output, "--json"]);
    expect(ran.code, ran.stderr).toBe(0);
    const { command, notes } = JSON.parse(ran.stdout);
    expect(command).toBe("dpo");
    expect(notes).toHaveLength(4);
    const settings = {
      model: "org/sft",
      data: "org/pairs",
      dataset_train_split: "train_prefs",
      eval_data: "org/pairs",
      dataset_test_split: "test_prefs",
      eval_steps: 100,
      report_to: "tensorboard",
      dtype: "nf4",
      lora_r: 128,
      lora_dropout: 0.05,
      chat_template_path: "zephyr",
      beta: 0.01,
      learning_rate: 5e-7,
      warmup_ratio: 0.1,
      output: "data/run",
    };
    expect(parse(readFileSync(output, "utf8"))).toEqual(settings);
    expect(readFileSync(output, "utf8")).toMatch(/^learning_rate: 5\.0e-7$/m);
  });

  it.each([
    [{ report_to: "wandb" }, {}, /report_to: wandb is left out/],
    [{ report_to: "none" }, {}, undefined],
    [{ report_to: "all" }, { report_to: "tensorboard" }, undefined],
    [{ save_strategy: "no" }, { save_steps: 0 }, undefined],
    [{ save_strategy: "epoch", save_steps: 0.05 }, {}, /save_steps: 0.05 is left out/],
    [{ packing_strategy: "ffd" }, { packing_strategy: "bfd" }, undefined],
    [{ torch_dtype: "bfloat16" }, {}, undefined],
    [{ torch_dtype: "bfloat16", use_peft: true, lora_r: 8 }, { dtype: "bf16", lora_r: 8 }, undefined],
    [{ load_in_4bit: true, torch_dtype: "bfloat16", use_peft: true }, { dtype: "nf4" }, undefined],
    [{ push_to_hub: true, hub_model_id: "a", hub_strategy: "b" }, {}, /push_to_hub, hub_model_id, hub_strategy: left out/],
    [{ push_to_hub: false, load_in_8bit: false, model_revision: "main" }, {}, undefined],
    [{ model_revision: "v2" }, {}, /give the folder of another revision/],
    [{ eval_steps: 5 }, {}, /eval_steps: 5 is left out: there are no evaluations/],
    [{ eval_strategy: "steps", eval_steps: 5 }, {}, /names no held-out split/],
    [
      { dataset_name: "o/d", eval_strategy: "steps", eval_steps: 5, dataset_config: "x" },
      { data: "o/d", eval_data: "o/d", dataset_test_split: "test", eval_steps: 5 },
      /config x of o\/d is left out/,
    ],
    [
      { dataset_mixer: { "o/d": 0.5, "o/e": 1 }, dataset_splits: ["train_sft", "test_sft"], do_eval: true },
      { data: "o/d", dataset_train_split: "train_sft", eval_data: "o/d", dataset_test_split: "test_sft" },
      /data set o\/e, split train_sft is left out/,
    ],
    [{ made_up: 1 }, {}, /made_up: 1 is left out: there is nothing like it here/],
  ])("%j becomes %j", (recipe, settings, note) => {
    const imported = importHandbook(recipe);
    expect(imported.settings).toEqual(settings);
    if (note) expect(imported.notes.join("\n")).toMatch(note);
    else expect(imported.notes).toEqual([]);
  });

  it("no key of the handbook's published recipes goes without a word", () => {
    const imported = importHandbook(parse(readFileSync(join(import.meta.dirname, "fixtures/handbook-keys.yaml"), "utf8")));
    const { settings, notes, notNeeded } = imported;
    const told = [...Object.keys(settings), ...notes, ...notNeeded].join("\n");
    const renamed = new Map([
      ["model_name_or_path", "model"],
      ["output_dir", "output"],
      ["max_seq_length", "max_length"],
      ["chat_template", "chat_template_path"],
    ]);
    const keys = Object.keys(parse(readFileSync(join(import.meta.dirname, "fixtures/handbook-keys.yaml"), "utf8")) as object);
    expect(keys.length).toBeGreaterThan(65);
    for (const key of keys.filter((name) => name !== "load_in_4bit"))
      expect(told, key).toMatch(new RegExp(`\\b${renamed.get(key) ?? key}\\b`));
    expect(settings).toMatchObject({
      dtype: "nf4",
      report_to: "tensorboard",
      save_steps: 100,
      beta: 0.01,
      loss_type: "apo_zero",
    });
    // What was written is what dpo takes.
    checkTrainingFlags(flagValues(dpoFlags, readConfig({ ...settings, warmup_steps: null }, "keys", dpoFlags)) as never);
  });

  it("a recipe that calls itself one of another trainer is told to become one of DPO", () => {
    const { command, notes } = importHandbook({ beta: 0.05, output_dir: "data/zephyr-141b-orpo" });
    expect(command).toBe("dpo");
    expect(notes).toEqual([expect.stringMatching(/^a recipe of ORPO, as its name says, .* trains with DPO/)]);
    for (const name of ["data/zephyr-dpo", "data/tokto-dpo"])
      expect(importHandbook({ beta: 0.05, output_dir: name }).notes).toEqual([]);
  });
});
