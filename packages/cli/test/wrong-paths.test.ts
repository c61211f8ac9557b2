import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { reference, runCli, temporaryFolder } from "../src/testing/run-cli.ts";

// What a newcomer gives by mistake: the message names the flag, the place and what to give instead.

const model = reference("mistral");

it.each<[string, string[], RegExp]>([
  [
    "a folder for rows",
    ["sft", "--model", model, "--data", "folder", "--output", "run"],
    /--data folder is a folder; give a file of rows/,
  ],
  [
    "a folder for rows",
    ["prepare", "--input", "folder", "--output", "o.jsonl"],
    /--input folder is a folder; give a file of rows/,
  ],
  [
    "an empty folder for a model",
    ["sft", "--model", "folder", "--data", "rows.jsonl", "--output", "run"],
    /--model folder has no config.json; give a model folder/,
  ],
  [
    "an empty folder for a model",
    ["generate", "--model", "folder", "--input", "rows.jsonl", "--output", "o.jsonl"],
    /--model folder has no config.json/,
  ],
  ["an empty folder for a model", ["inspect", "folder"], /folder has no config.json; give a model folder, or a data file/],
  [
    "an adapter for a model",
    ["dpo", "--model", "adapter", "--data", "rows.jsonl", "--output", "run"],
    /--model adapter has no config.json; it holds an adapter/,
  ],
  [
    "rows for a recipe",
    ["import", "rows.json", "--output", "o.yaml"],
    /rows.json has no model_name_or_path; give an SFT or DPO recipe/,
  ],
  ["a swapped letter", ["evla", "alpaca"], /unknown command "evla" \(did you mean eval\?\)/],
  ["nothing to watch", ["watch", "rows.jsonl"], /rows.jsonl is no folder, and there is no rows.jsonl.progress.json/],
])("%s: %j", async (_, args, message) => {
  const cwd = temporaryFolder();
  for (const name of ["folder", "adapter"]) mkdirSync(join(cwd, name));
  writeFileSync(join(cwd, "adapter/adapter_config.json"), "{}");
  for (const name of ["rows.jsonl", "rows.json"]) writeFileSync(join(cwd, name), '{"text": "a"}\n');
  const before = readdirSync(cwd);
  const { code, stdout, stderr } = await runCli(args, {}, cwd);
  expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: "", stderr: expect.stringMatching(message) });
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(readdirSync(cwd)).toEqual(before);
});

it.each(["complete", "rate"])("%s: a row without a prompt is named", async (command) => {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, "rows.jsonl"), '{"question": "a"}\n');
  const described = { name: "a", base_url: "http://127.0.0.1:9/v1", model: "m" };
  writeFileSync(join(cwd, "feedback.json"), JSON.stringify({ models: [described], completions_per_prompt: 1, judge: described }));
  const args = ["--input", "rows.jsonl", "--output", "o.jsonl", "--config", "feedback.json"];
  const { code, stderr } = await runCli([command, ...args], {}, cwd);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/: row 1 .*(prompt is missing|completions)/) });
  expect(readdirSync(cwd).sort()).toEqual(["feedback.json", "rows.jsonl"]);
});
