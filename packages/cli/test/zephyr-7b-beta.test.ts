import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { needsDevice } from "../src/testing/needs-device.ts";
import { reference, runCli, temporaryFolder } from "../src/testing/run-cli.ts";

const folder = resolve(import.meta.dirname, "../../../recipes/zephyr-7b-beta");
type Stage = Record<string, unknown> & { command: string };
const recipe = (name: string): { run: string; stages: Stage[] } => parse(readFileSync(join(folder, `${name}.yaml`), "utf8"));
const stage = (name: string, command: string): Stage => recipe(name).stages.find((each) => each.command === command)!;

it("full.yaml has the paper's settings (arXiv 2310.16944, section 4)", () => {
  const sft = stage("full", "sft");
  expect(sft).toMatchObject({
    learning_rate: 2e-5,
    lr_scheduler_type: "cosine",
    warmup_ratio: 0.1,
    num_train_epochs: 1,
    max_length: 2048,
  });
  expect(sft).toMatchObject({ packing: true, weight_decay: 0, dataset_train_split: "train_sft" });
  expect(Number(sft["per_device_train_batch_size"]) * Number(sft["gradient_accumulation_steps"])).toBe(512);
  const dpo = stage("full", "dpo");
  expect(dpo).toMatchObject({
    learning_rate: 5e-7,
    lr_scheduler_type: "linear",
    warmup_ratio: 0.1,
    num_train_epochs: 3,
    beta: 0.1,
  });
  expect(dpo).toMatchObject({
    loss_type: "sigmoid",
    weight_decay: 0,
    dataset_train_split: "train_prefs",
    dataset_test_split: "test_prefs",
  });
  expect(Number(dpo["per_device_train_batch_size"]) * Number(dpo["gradient_accumulation_steps"])).toBe(32);
});

it("qlora.yaml has the handbook's settings", () => {
  const sft = stage("qlora", "sft");
  expect(sft).toMatchObject({
    learning_rate: 2e-4,
    lr_scheduler_type: "cosine",
    num_train_epochs: 1,
    dtype: "nf4",
    lora_r: 16,
    lora_alpha: 16,
  });
  expect(Number(sft["per_device_train_batch_size"]) * Number(sft["gradient_accumulation_steps"])).toBe(8);
  const dpo = stage("qlora", "dpo");
  expect(dpo).toMatchObject({ learning_rate: 5e-6, lr_scheduler_type: "cosine", num_train_epochs: 1, beta: 0.01, dtype: "nf4" });
  expect(dpo).toMatchObject({ lora_r: 128, lora_alpha: 128, max_length: 1024 });
  expect(Number(dpo["per_device_train_batch_size"]) * Number(dpo["gradient_accumulation_steps"])).toBe(16);
  for (const { lora_target_modules } of [sft, dpo]) expect(lora_target_modules).toHaveLength(7);
});

it.each(["full", "qlora", "own-feedback"])("every stage of %s.yaml is one that can be run", async (name) => {
  const { code, stdout, stderr } = await runCli(["align", "--config", join(folder, `${name}.yaml`), "--dry-run", "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout).plan).toHaveLength(recipe(name).stages.length);
});

it.for(["full", "qlora"])("%s.yaml runs from end to end, the model and the data being tiny", async (name, { skip }) => {
  await needsDevice({ skip });
  const temporary = temporaryFolder();
  const dialogues = join(temporary, "dialogues.jsonl");
  const messages = [1, 2, 3].map((i) => ({
    messages: [
      { role: "user", content: `Question ${i}?` },
      { role: "assistant", content: "So it is." },
    ],
  }));
  writeFileSync(dialogues, messages.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const pairs = reference("trl_dpo_run/preferences.jsonl");
  const { stages } = recipe(name);
  const tiny = stages.map((each) => {
    const { dataset_train_split: _, dataset_test_split: __, ...rest } = each;
    if (each.command === "merge") return { ...rest, model: reference("mistral") };
    if (each.command === "sft") return { ...rest, model: reference("mistral"), data: dialogues, max_steps: 1 };
    return each.command === "dpo"
      ? { ...rest, data: pairs, eval_data: pairs, gradient_accumulation_steps: 1, max_steps: 2 }
      : rest;
  });
  const file = join(temporary, "recipe.yaml");
  writeFileSync(file, stringify({ run: join(temporary, "run"), stages: tiny }));
  const ran = await runCli(["align", "--config", file, "--json"]);
  expect(ran.code, ran.stderr).toBe(0);
  const done = JSON.parse(ran.stdout).stages as { name: string; status: string; result: { steps?: number } }[];
  expect(done.map(({ status }) => status)).toEqual(stages.map(() => "done"));
  expect(done.flatMap(({ result }) => result.steps ?? [])).toEqual([1, 2]);
});
