import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { needsDevice } from "../src/testing/needs-device.ts";
import { reference, runCli, temporaryFolder } from "../src/testing/run-cli.ts";

/** A base model as they are published: a tokenizer, and nothing that says how a conversation is written. */
function baseModel(folder: string): string {
  const base = join(folder, "base");
  cpSync(reference("mistral"), base, { recursive: true });
  rmSync(join(base, "chat_template.jinja"));
  const { chat_template: _, ...config } = JSON.parse(readFileSync(join(base, "tokenizer_config.json"), "utf8"));
  writeFileSync(join(base, "tokenizer_config.json"), JSON.stringify(config));
  return base;
}

const dialogue = {
  messages: [
    { role: "user", content: "Say hello." },
    { role: "assistant", content: "Hello." },
  ],
};

it("a base model learns conversations under --chat-template-path, which adapter and merged model then carry", async ({
  skip,
}) => {
  await needsDevice({ skip });
  const folder = temporaryFolder();
  const [base, data] = [baseModel(folder), join(folder, "rows.jsonl")];
  writeFileSync(data, `${JSON.stringify(dialogue)}\n`);
  const args = ["sft", "--model", base, "--data", data, "--output", join(folder, "sft"), "--max-steps", "1", "--lora-r", "2"];
  const refused = await runCli(args);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/has no chat template.*--chat-template-path zephyr/) });
  expect(existsSync(join(folder, "sft"))).toBe(false);
  const ran = await runCli([...args, "--chat-template-path", "zephyr"]);
  expect(ran.code, ran.stderr).toBe(0);
  const template = readFileSync(join(folder, "sft/chat_template.jinja"), "utf8");
  expect(template).toContain("<|");
  const merged = join(folder, "merged");
  const merging = await runCli(["merge", "--model", base, "--adapter", join(folder, "sft"), "--output", merged]);
  expect(merging.code, merging.stderr).toBe(0);
  expect(readFileSync(join(merged, "chat_template.jinja"), "utf8")).toBe(template);
  // A run that goes on with the adapter writes conversations as it was taught to.
  const pair = {
    prompt: [dialogue.messages[0]],
    chosen: [dialogue.messages[1]],
    rejected: [{ role: "assistant", content: "No." }],
  };
  const pairs = join(folder, "pairs.jsonl");
  writeFileSync(pairs, `${JSON.stringify(pair)}\n`);
  const going = ["dpo", "--model", base, "--data", pairs, "--init-adapter", join(folder, "sft"), "--max-steps", "1"];
  const aligned = await runCli([...going, "--output", join(folder, "dpo")]);
  expect(aligned.code, aligned.stderr).toBe(0);
  expect(readFileSync(join(folder, "dpo/chat_template.jinja"), "utf8")).toBe(template);
  // The adapter beside its base is asked in conversations, too.
  const prompts = join(folder, "prompts.jsonl");
  writeFileSync(prompts, `${JSON.stringify({ prompt_id: "a", prompt: [dialogue.messages[0]] })}\n`);
  const asked = ["generate", "--model", base, "--input", prompts, "--max-tokens", "2"];
  const answers = join(folder, "answers.jsonl");
  const generated = await runCli([...asked, "--adapter", join(folder, "sft"), "--output", answers]);
  expect(generated.code, generated.stderr).toBe(0);
});

it("the template is the handbook's to the letter, from the name or from a file", async ({ skip }) => {
  await needsDevice({ skip });
  const folder = temporaryFolder();
  const [base, data] = [baseModel(folder), join(folder, "rows.jsonl")];
  writeFileSync(data, `${JSON.stringify(dialogue)}\n`);
  const losses: number[] = [];
  for (const [name, model, path] of [
    ["own", reference("mistral"), []],
    ["named", base, ["--chat-template-path", "zephyr"]],
    ["folder", base, ["--chat-template-path", reference("mistral")]],
  ] as const) {
    const ran = await runCli([
      "sft",
      "--model",
      model,
      "--data",
      data,
      "--output",
      join(folder, name),
      "--max-steps",
      "1",
      ...path,
      "--json",
    ]);
    expect(ran.code, ran.stderr).toBe(0);
    losses.push(JSON.parse(ran.stdout).metrics.loss);
  }
  expect(losses[1]).toBe(losses[0]);
  expect(losses[2]).toBe(losses[0]);
});

it("a template that is not there is refused by name", async () => {
  const ran = await runCli([
    "sft",
    "--model",
    reference("mistral"),
    "--data",
    "x",
    "--output",
    "y",
    "--chat-template-path",
    "zepyhr",
  ]);
  expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining("--chat-template-path zepyhr") });
});
