import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { collectRows, loadTokenizer, readRows } from "@zephyr/data";
import { describe, expect, it } from "vitest";
import { needsDevice } from "../src/testing/needs-device.ts";
import { reference, runCli, startCli, temporaryFolder } from "../src/testing/run-cli.ts";
import { generations } from "../src/testing/test-server.ts";
import { untilLogged } from "../src/testing/training-log.ts";
import type { SampleRow } from "../src/training/samples.ts";

const jsonl = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const samplesOf = (run: string): Promise<SampleRow[]> => collectRows(readRows<SampleRow>(join(run, "samples.jsonl")));
const training = ["--model", reference("mistral"), "--learning-rate", "0.01", "--per-device-train-batch-size", "2"];

describe("samples of a run as it learns", () => {
  it("are transformers' greedy answers, then those of the model as it is; weights and log stay the same to the bit; a kill changes nothing", {
    timeout: 600_000,
  }, async (context) => {
    await needsDevice(context);
    const folder = temporaryFolder();
    const [data, prompts] = [join(folder, "rows.jsonl"), join(folder, "prompts.jsonl")];
    writeFileSync(data, jsonl(["Kites fly.", "The sea is deep.", "A cat sleeps.", "It is late."].map((text) => ({ text }))));
    writeFileSync(prompts, jsonl([...generations, generations[0]!].map(({ messages }) => ({ prompt: messages }))));
    const args = [
      "sft",
      ...training,
      "--data",
      data,
      "--max-steps",
      "5",
      "--save-steps",
      "1",
      "--lora-r",
      "2",
      "--lora-dropout",
      "0.1",
    ];
    const sampling = [
      "--sample-prompts",
      prompts,
      "--sample-steps",
      "2",
      "--sample-num-prompts",
      "2",
      "--sample-max-tokens",
      "40",
    ];
    const [plain, sampled, killed] = ["plain", "sampled", "killed"].map((name) => join(folder, name)) as [string, string, string];
    for (const ran of [await runCli([...args, "--output", plain]), await runCli([...args, "--output", sampled, ...sampling])])
      expect(ran.code, ran.stderr).toBe(0);
    for (const name of ["adapter_model.safetensors", "log_history.jsonl", "trainer_state.json"])
      expect(readFileSync(join(sampled, name)).equals(readFileSync(join(plain, name))), name).toBe(true);
    expect(readdirSync(plain)).not.toContain("samples.jsonl");

    const rows = await samplesOf(sampled);
    expect(rows.map(({ step }) => step)).toEqual([0, 0, 2, 2, 4, 4, 5, 5]);
    const tokenizer = await loadTokenizer(reference("mistral"));
    const text = (n: number): string => tokenizer.decode(generations[n]!.new_ids, { skipSpecialTokens: true });
    expect(rows[0]).toMatchObject({ prompt: generations[0]!.messages, completion: text(0), finish_reason: "stop" });
    expect(rows[1]).toMatchObject({ prompt: generations[1]!.messages, completion: text(1), finish_reason: "length" });
    expect(rows.at(-1)!.completion).not.toBe(text(1));
    const answers = join(folder, "answers.jsonl");
    const asked = ["generate", "--model", reference("mistral"), "--adapter", sampled, "--input", prompts, "--output", answers];
    const answered = await runCli([...asked, "--temperature", "0", "--max-tokens", "40"]);
    expect(answered.code, answered.stderr).toBe(0);
    const finals = await collectRows(readRows<{ completions: { content: string }[] }>(answers));
    expect(rows.slice(-2).map(({ completion }) => completion)).toEqual(
      finals.slice(0, 2).map(({ completions }) => completions[0]!.content),
    );

    const running = startCli([...args, "--output", killed, ...sampling]);
    await untilLogged(killed, 3);
    running.kill("SIGKILL");
    await running.result;
    // What a kill in the middle of a line leaves.
    writeFileSync(join(killed, "samples.jsonl"), '{"step": 4, "comp', { flag: "a" });
    const resumed = await runCli([...args, "--output", killed, ...sampling, "--resume"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(readFileSync(join(killed, "samples.jsonl"), "utf8")).toBe(readFileSync(join(sampled, "samples.jsonl"), "utf8"));
  });

  it("ask what the held-out pairs ask where no prompts are given; drawn ones are the same in a second run", async (context) => {
    await needsDevice(context);
    const folder = temporaryFolder();
    const pairs = reference("trl_dpo_run/preferences.jsonl");
    const args = ["dpo", ...training, "--data", pairs, "--eval-data", pairs, "--max-steps", "1", "--save-steps", "0"];
    const sampling = [
      "--sample-steps",
      "9",
      "--sample-num-prompts",
      "3",
      "--sample-max-tokens",
      "8",
      "--sample-temperature",
      "1",
    ];
    const runs = [join(folder, "a"), join(folder, "b")];
    for (const output of runs) {
      const ran = await runCli([...args, ...sampling, "--output", output]);
      expect(ran.code, ran.stderr).toBe(0);
    }
    const [first, second] = (await Promise.all(runs.map(samplesOf))) as [SampleRow[], SampleRow[]];
    expect(first.map(({ step }) => step)).toEqual([0, 0, 0, 1, 1, 1]);
    const held = await collectRows(readRows<{ prompt: object }>(pairs));
    expect(first.slice(0, 3).map(({ prompt }) => prompt)).toEqual(held.slice(0, 3).map(({ prompt }) => prompt));
    expect(second).toEqual(first);
    // Anew, without: nothing of before stays.
    expect(await runCli([...args, "--output", runs[0]!, "--overwrite"])).toMatchObject({ code: 0 });
    expect(readdirSync(runs[0]!)).not.toContain("samples.jsonl");
  });
});

describe("prompts that cannot be sampled are refused before anything is written", () => {
  it.each<[string, string[], RegExp]>([
    ["", ["--sample-steps", "2"], /--sample-steps is given without --sample-prompts or --eval-data/],
    ["", ["--sample-prompts", "FILE"], /--sample-prompts .* has no rows/],
    ['{"text": "a"}\n', ["--sample-prompts", "FILE"], /row 0 has no prompt; give rows with prompt/],
    ['{"text": "a"}\n', ["--sample-steps", "1", "--eval-data", "FILE"], /--eval-data: row 0 has no prompt/],
    ['{"prompt": "a"}\n', ["--sample-prompts", "FILE.gone"], /--sample-prompts .* does not exist/],
  ])("%j %j", async (text, flags, message) => {
    const folder = temporaryFolder();
    const [file, rows] = [join(folder, "prompts.jsonl"), join(folder, "rows.jsonl")];
    writeFileSync(file, text);
    writeFileSync(rows, jsonl([{ text: "Kites fly." }]));
    const given = flags.map((flag) => flag.replace("FILE", file));
    const ran = await runCli(["sft", ...training, "--data", rows, "--output", join(folder, "run"), ...given]);
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
    expect(readdirSync(folder).sort()).toEqual(["prompts.jsonl", "rows.jsonl"]);
  });
});
