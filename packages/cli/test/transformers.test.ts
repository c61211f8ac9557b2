import { execFile, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../src/run-command-line.ts";
import { reference, temporaryFolder } from "../src/testing/run-cli.ts";

// ZEPHYR_PYTHON names a Python that has torch, transformers and peft; "python3" unless set.
const python = process.env["ZEPHYR_PYTHON"] ?? "python3";
const probe = 'import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ("torch", "transformers", "peft"))))';
const script = fileURLToPath(new URL("fixtures/token_logps.py", import.meta.url));
const model = ["--model", reference("mistral")];
const sequences = [[1, 20, 300, 40, 5, 60, 77, 301, 9, 450], Array.from({ length: 60 }, (_, i) => 3 + ((i * 37) % 500))];

async function zephyr(...args: string[]): Promise<void> {
  let stderr = "";
  const surroundings = { env: {}, stdout: { write: () => true }, stderr: { write: (text: string) => (stderr += text) } };
  const code = await runCommandLine(args, { ...surroundings, leave: () => {} });
  expect(code, stderr).toBe(0);
}

async function ours(...flags: string[]): Promise<number[][]> {
  const folder = temporaryFolder();
  const [input, output] = [join(folder, "in.jsonl"), join(folder, "out.jsonl")];
  writeFileSync(input, sequences.map((input_ids) => `${JSON.stringify({ input_ids })}\n`).join(""));
  await zephyr("score", ...flags, "--input", input, "--output", output);
  const lines = readFileSync(output, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line).token_logps);
}

async function theirs(...folders: string[]): Promise<number[][]> {
  const env = { ...process.env, HF_HUB_OFFLINE: "1", TOKENIZERS_PARALLELISM: "false" };
  const { stdout } = await promisify(execFile)(python, [script, JSON.stringify(sequences), ...folders], { env });
  return JSON.parse(stdout);
}

function expectEqual(a: number[][], b: number[][]): void {
  const differences = a.flatMap((row, s) => row.map((logp, t) => Math.abs(logp - b[s]![t]!)));
  expect(differences).toHaveLength(sequences.reduce((sum, ids) => sum + ids.length - 1, 0));
  // reference/README.md's bound for a token's log-probability in float32.
  expect(Math.max(...differences)).toBeLessThan(5e-5);
}

let reason: string | undefined;
beforeAll(async () => {
  if (spawnSync(python, ["-c", probe]).status !== 0) {
    reason = `${python} has no torch, transformers and peft; set ZEPHYR_PYTHON to one that has them`;
    return;
  }
  let said = "";
  const stderr = { write: (text: string) => (said += text) };
  const code = await runCommandLine(["doctor"], { env: {}, stdout: { write: () => true }, stderr, leave: () => {} });
  if (code !== 0) reason = said;
});

describe("what training saves, loaded by the Python libraries", () => {
  it("a model in transformers, an adapter in PEFT, and the two merged give our log-probabilities", {
    timeout: 300_000,
  }, async (context) => {
    if (reason !== undefined) context.skip(reason);
    const folder = temporaryFolder();
    const data = join(folder, "rows.jsonl");
    writeFileSync(data, ["Kites fly.", "Two and two are four."].map((text) => `${JSON.stringify({ text })}\n`).join(""));
    const training = ["--data", data, "--max-steps", "3", "--learning-rate", "0.01", "--lr-scheduler-type", "constant"];
    const [full, adapter, merged] = ["full", "adapter", "merged"].map((name) => join(folder, name)) as [string, string, string];
    await zephyr("sft", ...model, ...training, "--output", full);
    expectEqual(await ours("--model", full), await theirs(full));
    await zephyr("sft", ...model, ...training, "--lora-r", "4", "--lora-alpha", "16", "--output", adapter);
    const adapted = await theirs(reference("mistral"), adapter);
    expectEqual(await ours(...model, "--adapter", adapter), adapted);
    await zephyr("merge", ...model, "--adapter", adapter, "--output", merged);
    expectEqual(await theirs(merged), adapted);
    // The adapter does something: otherwise the comparison would say nothing.
    const base = await ours(...model);
    expect(Math.abs(base[0]![3]! - adapted[0]![3]!)).toBeGreaterThan(1e-3);
  });
});
