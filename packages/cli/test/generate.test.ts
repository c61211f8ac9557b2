import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCommandLine } from "../src/run-command-line.ts";
import { needsDevice } from "../src/testing/needs-device.ts";
import { reference, temporaryFolder } from "../src/testing/run-cli.ts";

async function run(args: readonly string[]): Promise<{ code: number; stderr: string }> {
  let stderr = "";
  const surroundings = { env: {}, stdout: { write: () => true }, stderr: { write: (text: string) => (stderr += text) } };
  return { code: await runCommandLine(args, { ...surroundings, leave: () => {} }), stderr };
}

interface Made {
  model: string;
  content: string;
  token_ids: number[];
  finish_reason: string;
}

/** The completions of one prompt under flags. */
async function generate(row: object, ...flags: string[]): Promise<Made[]> {
  const folder = temporaryFolder();
  const [input, output] = [join(folder, "in.jsonl"), join(folder, "out.jsonl")];
  writeFileSync(input, `${JSON.stringify(row)}\n`);
  const { code, stderr } = await run([
    "generate",
    "--model",
    reference("mistral"),
    "--input",
    input,
    "--output",
    output,
    ...flags,
  ]);
  expect(code, stderr).toBe(0);
  return JSON.parse(readFileSync(output, "utf8")).completions;
}

const row = { prompt_id: "p", prompt: "Why is the sky blue?" };
const greedy = ["--temperature", "0", "--max-tokens", "20"];

describe("the flags of zephyr generate", () => {
  it("each does what it says", { timeout: 300_000 }, async (context) => {
    await needsDevice(context);
    const [base] = await generate(row, ...greedy);
    expect(base).toMatchObject({ model: "mistral" });
    expect(base!.token_ids.length).toBeLessThanOrEqual(20);
    // Likeliest tokens alone are greedy decoding, whatever the temperature.
    for (const only of [
      ["--top-k", "1"],
      ["--top-p", "1e-9"],
    ]) {
      const [made] = await generate(row, "--temperature", "1.5", "--max-tokens", "20", ...only);
      expect(made!.token_ids, only[0]).toEqual(base!.token_ids);
    }
    const stop = base!.content.slice(4, 6);
    const [cut] = await generate(row, ...greedy, "--stop", stop);
    expect(cut).toMatchObject({ finish_reason: "stop", content: base!.content.slice(0, base!.content.indexOf(stop)) });
    const sample = ["--max-tokens", "12", "--num-return-sequences", "3"];
    const first = await generate(row, ...sample, "--seed", "1");
    expect(await generate(row, ...sample, "--seed", "1", "--batch-size", "1")).toEqual(first);
    expect(await generate(row, ...sample, "--seed", "2")).not.toEqual(first);
    expect(first).toHaveLength(3);
    const [named] = await generate(row, ...greedy, "--model-name", "sky");
    expect(named).toEqual({ ...base, model: "sky" });
    const [adapted] = await generate(row, ...greedy, "--adapter", reference("trl_lora_run/final_adapter"));
    expect(adapted!.token_ids).not.toEqual(base!.token_ids);
    const ids = { prompt_ids: [1, 5, 9] };
    const [short] = await generate(ids, "--max-tokens", "40", "--temperature", "0", "--max-length", "10");
    expect(short!.token_ids.length).toBeLessThanOrEqual(7);
  });

  it("a prompt that is too long, or none, is an error that leaves no output", async (context) => {
    await needsDevice(context);
    const folder = temporaryFolder();
    const [input, output] = [join(folder, "in.jsonl"), join(folder, "out.jsonl")];
    const args = ["generate", "--model", reference("mistral"), "--input", input, "--output", output, "--max-length", "8"];
    for (const [bad, message] of [
      [row, /the prompt has \d+ tokens, the cache holds sequences of 8/],
      [{ text: "x" }, /row 1 has no prompt/],
    ] as const) {
      writeFileSync(input, `${JSON.stringify(bad)}\n`);
      const { code, stderr } = await run(args);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) });
      expect(() => readFileSync(output)).toThrow("ENOENT");
    }
  });
});
