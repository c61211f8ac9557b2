import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rows, write } from "../src/testing/json-lines.ts";
import { needsDevice } from "../src/testing/needs-device.ts";
import { reference, runCli, temporaryFolder } from "../src/testing/run-cli.ts";

const model = ["--model", reference("mistral")];

/** A tensor of a safetensors file, as numbers. */
function tensor(path: string, name: string): { shape: number[]; data: ArrayLike<number> } {
  const file = readFileSync(path);
  const headerBytes = Number(file.readBigUInt64LE(0));
  const { dtype, shape, data_offsets } = JSON.parse(file.subarray(8, 8 + headerBytes).toString("utf8"))[name];
  const bytes = Uint8Array.from(file.subarray(8 + headerBytes + data_offsets[0], 8 + headerBytes + data_offsets[1])).buffer;
  return { shape, data: dtype === "I32" ? new Int32Array(bytes) : new Float32Array(bytes) };
}

describe("zephyr score", () => {
  it("gives the reference's log-probabilities, token by token, and keeps order, ids and columns", async (context) => {
    await needsDevice(context);
    const folder = temporaryFolder();
    const file = reference("forward/mistral/forward.safetensors");
    const facts = JSON.parse(readFileSync(reference("forward/mistral/forward.json"), "utf8"));
    const [ids, logps] = [tensor(file, "input_ids"), tensor(file, "per_token_logps")];
    const lengths: number[] = facts.lengths;
    const sequences = lengths.map((length, s) => Array.from({ length }, (_, t) => ids.data[s * ids.shape[1]! + t]!));
    const given = sequences.map((input_ids, s) => ({
      note: `row ${s}`,
      input_ids,
      completion_mask: input_ids.map((_, t) => (t < facts.prompt_lengths[s] ? 0 : 1)),
    }));
    const input = write(join(folder, "in.jsonl"), [...given, { input_ids: [7], note: "one token" }, { input_ids: sequences[2] }]);
    const output = join(folder, "out.jsonl");
    const ran = await runCli(["score", ...model, "--input", input, "--output", output, "--tokens-per-batch", "60", "--json"]);
    expect(ran.code, ran.stderr).toBe(0);
    expect(JSON.parse(ran.stdout)).toEqual({ output, rows: 6 });
    const scored = rows(output);
    scored.slice(0, 4).forEach((row, s) => {
      expect(row).toMatchObject(given[s]!);
      expect(row.token_logps).toHaveLength(lengths[s]! - 1);
      row.token_logps.forEach((logp: number, t: number) => {
        expect(Math.abs(logp - logps.data[s * logps.shape[1]! + t]!), `token ${t} of row ${s}`).toBeLessThan(1e-4);
      });
      expect(Math.abs(row.sum_logps - facts.sequence_completion_logps[s])).toBeLessThan(1e-4);
    });
    expect(scored[4]).toMatchObject({ note: "one token", token_logps: [], sum_logps: 0 });
    expect(scored[5].token_logps).toEqual(scored[2].token_logps);
    const total = scored[5].token_logps.reduce((sum: number, logp: number) => sum + logp, 0);
    expect(scored[5].sum_logps).toBeCloseTo(total, 9);
  });

  it("reads prompt and completion, and names the row whose ids are wrong", async (context) => {
    await needsDevice(context);
    const folder = temporaryFolder();
    const input = write(join(folder, "in.jsonl"), [{ prompt_id: "x", prompt: "The sky is", completion: " blue." }]);
    const output = join(folder, "out.jsonl");
    expect((await runCli(["score", ...model, "--input", input, "--output", output])).code).toBe(0);
    const [row] = rows(output);
    expect(row).toMatchObject({ prompt_id: "x", prompt: "The sky is", completion: " blue." });
    expect(row.token_logps).toHaveLength(row.input_ids.length - 1);
    write(input, [{ input_ids: [1, 2.5] }]);
    const failed = await runCli(["score", ...model, "--input", input, "--output", output, "--overwrite"]);
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining("row 1: input_ids are no token ids") });
    expect(rows(output)[0].prompt_id).toBe("x");
  });
});

describe("zephyr generate", () => {
  it("decodes greedily what transformers decodes, and draws by seed and prompt alone", async (context) => {
    await needsDevice(context);
    const folder = temporaryFolder();
    const { generations } = JSON.parse(readFileSync(reference("greedy.json"), "utf8"));
    const prompts = generations.map(({ messages }: { messages: object[] }, i: number) => ({
      prompt_id: `p${i}`,
      prompt: messages,
      source: "test",
    }));
    const input = write(join(folder, "in.jsonl"), prompts);
    const greedy = join(folder, "greedy.jsonl");
    const args = ["generate", ...model, "--max-tokens", "40"];
    expect((await runCli([...args, "--input", input, "--output", greedy, "--temperature", "0"])).code).toBe(0);
    rows(greedy).forEach((row, i) => {
      expect(row).toMatchObject(prompts[i]);
      const [{ model: name, content, token_ids }] = row.completions;
      expect(name).toBe("mistral");
      expect(content).not.toContain("</s>");
      expect(token_ids).toEqual(generations[i].new_ids);
    });
    const draw = async (name: string, list: readonly object[]) => {
      const path = join(folder, name);
      const drawn = [
        "--input",
        write(join(folder, `in-${name}`), list),
        "--output",
        path,
        "--seed",
        "3",
        "--num-return-sequences",
        "2",
      ];
      expect((await runCli([...args, ...drawn])).code).toBe(0);
      return new Map(rows(path).map((row) => [row.prompt_id, row.completions]));
    };
    const forward = await draw("a.jsonl", prompts);
    const backward = await draw("b.jsonl", prompts.toReversed());
    for (const [id, completions] of forward) expect(backward.get(id)).toEqual(completions);
    const [one, two] = forward.get("p0");
    expect(one.token_ids).not.toEqual(two.token_ids);
  });
});

describe("zephyr eval harness", () => {
  it("gives lm-evaluation-harness's numbers on rows of one's own", async (context) => {
    await needsDevice(context);
    const folder = temporaryFolder();
    const { items, aggregate } = JSON.parse(readFileSync(new URL("fixtures/multiple_choice.json", import.meta.url), "utf8"));
    const own = items.map(({ style, context: text, choices, gold }: Record<string, unknown>) => ({
      task: style,
      context: text,
      choices,
      gold,
    }));
    const output = join(folder, "run");
    const args = ["eval", "harness", ...model, "--items", write(join(folder, "items.jsonl"), own), "--output", output, "--json"];
    const ran = await runCli(args);
    expect(ran.code, ran.stderr).toBe(0);
    const result = JSON.parse(ran.stdout);
    for (const [task, metrics] of Object.entries(aggregate as Record<string, Record<string, number>>))
      for (const [name, value] of Object.entries(metrics)) expect(result[task][name], `${task} ${name}`).toBeCloseTo(value, 9);
    expect(await runCli(args)).toMatchObject({ code: 2, stderr: expect.stringContaining("--overwrite") });
    const page = await runCli(["report", output]);
    expect(page.code, page.stderr).toBe(0);
    expect(readFileSync(join(output, "report.html"), "utf8")).toContain("Multiple choice");
  });
});

describe("zephyr merge", () => {
  it("folds an adapter into its base: the merged model's log-probabilities are PEFT's", async (context) => {
    await needsDevice(context);
    const folder = temporaryFolder();
    const adapter = reference("trl_lora_run/final_adapter");
    const merged = join(folder, "merged");
    expect((await runCli(["merge", ...model, "--adapter", adapter, "--output", merged])).code).toBe(0);
    const input = write(join(folder, "in.jsonl"), [{ input_ids: [1, 20, 300, 40, 5, 60, 77] }]);
    const sum = async (flags: string[]): Promise<number> => {
      const output = join(folder, "out.jsonl");
      expect((await runCli(["score", ...flags, "--input", input, "--output", output, "--overwrite"])).code).toBe(0);
      return rows(output)[0].sum_logps;
    };
    const expected = await sum(["--model", reference("trl_lora_run/merged")]);
    expect(Math.abs((await sum(["--model", merged])) - expected)).toBeLessThan(1e-3);
    expect(Math.abs((await sum([...model, "--adapter", adapter])) - expected)).toBeLessThan(1e-3);
    expect(Math.abs((await sum(model)) - expected)).toBeGreaterThan(1e-2);
  });
});
