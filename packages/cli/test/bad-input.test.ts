import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCommandLine } from "../src/run-command-line.ts";
import { needsDevice } from "../src/testing/needs-device.ts";
import { reference, temporaryFolder } from "../src/testing/run-cli.ts";

// Bad models, adapters and rows: one sentence that names what is wrong, the right exit code, and nothing that was half written.

async function run(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = { stdout: "", stderr: "" };
  const into = (name: "stdout" | "stderr") => ({ write: (text: string) => (output[name] += text) });
  const code = await runCommandLine(args, { env: {}, stdout: into("stdout"), stderr: into("stderr"), leave: () => {} });
  return { code, ...output };
}

interface Tensor {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}
type Header = Record<string, Tensor>;

/** A copy of the reference model (or adapter) whose safetensors header, data or configuration is changed. */
interface Damage {
  from?: "mistral" | "trl_lora_run/initial_adapter";
  header?: (header: Header) => unknown;
  /** The length that the file gives for its header. */
  length?: bigint;
  bytes?: (file: Buffer) => Uint8Array;
  config?: (config: Record<string, unknown>) => void;
}

function damaged({ from = "mistral", header, length, bytes, config }: Damage): string {
  const folder = join(temporaryFolder(), "damaged");
  mkdirSync(folder);
  for (const name of readdirSync(reference(from))) copyFileSync(reference(`${from}/${name}`), join(folder, name));
  const weights = join(folder, from === "mistral" ? "model.safetensors" : "adapter_model.safetensors");
  let file = readFileSync(weights);
  const end = 8 + Number(file.readBigUInt64LE(0));
  if (header) {
    const json = JSON.parse(file.subarray(8, end).toString("utf8")) as Header;
    const changed = Buffer.from(JSON.stringify(header(json) ?? json));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(changed.length));
    file = Buffer.concat([prefix, changed, file.subarray(end)]);
  }
  if (length !== undefined) file.writeBigUInt64LE(length, 0);
  writeFileSync(weights, bytes ? bytes(file) : file);
  if (config) {
    const path = join(folder, from === "mistral" ? "config.json" : "adapter_config.json");
    const json = JSON.parse(readFileSync(path, "utf8"));
    config(json);
    writeFileSync(path, JSON.stringify(json));
  }
  return folder;
}

const Q = "model.layers.0.self_attn.q_proj.weight";
const NORM = "model.norm.weight";
const move = (tensor: Tensor, by: number): void => {
  tensor.data_offsets = [tensor.data_offsets[0] + by, tensor.data_offsets[1] + by];
};

const set = (target: object, key: string, value: unknown): void => void Object.assign(target, { [key]: value });

const ids = { input_ids: [1, 5, 9, 30], completion_mask: [0, 1, 1, 1] };
const pair = { prompt_ids: [1, 5], chosen_ids: [9, 30], rejected_ids: [9, 31] };

async function train(command: "sft" | "dpo", rows: readonly object[], flags: readonly string[], model = reference("mistral")) {
  const folder = temporaryFolder();
  const data = join(folder, "rows.jsonl");
  writeFileSync(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const output = join(folder, "run");
  const args = [
    command,
    "--model",
    model,
    "--data",
    data,
    "--output",
    output,
    "--max-steps",
    "2",
    "--per-device-train-batch-size",
    "2",
  ];
  return { ...(await run([...args, ...flags])), output, left: readdirSync(folder) };
}

/** One sentence on stderr, the exit code, and no output. */
function refused({ code, stdout, stderr, output, left }: Awaited<ReturnType<typeof train>>, message: RegExp, expected = 1): void {
  expect({ code, stdout, stderr }).toEqual({ code: expected, stdout: "", stderr: expect.stringMatching(message) });
  expect(
    stderr
      .trimEnd()
      .split("\n")
      .filter((line) => line.startsWith("zephyr: ")),
  ).toHaveLength(1);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(existsSync(output)).toBe(false);
  expect(left).toEqual(["rows.jsonl"]);
}

describe("a model whose files lie", () => {
  const cases: [string, Damage, RegExp][] = [
    ["a truncated file", { bytes: (file) => file.subarray(0, file.length - 100) }, /end of a file|the file at/],
    ["a file cut inside its header", { bytes: (file) => file.subarray(0, 400) }, /past the end/],
    ["an empty file", { bytes: () => new Uint8Array() }, /needs 10/],
    ["a header longer than the file", { length: 10_000_000n }, /past the end/],
    ["a header of 2^64 - 1 bytes", { length: 2n ** 64n - 1n }, /the limit is/],
    ["offsets past the end", { header: (h) => move(h[NORM]!, 1e9) }, /hole|past the end/],
    ["tensors that overlap", { header: (h) => move(h[Q]!, -4) }, /overlaps/],
    ["a huge count", { header: (h) => set(h[Q]!, "shape", [2 ** 40, 2 ** 40]) }, /too many/],
    ["a shape that is not the model's", { header: (h) => void h[Q]!.shape.reverse().splice(0, 2, 24, 96) }, /q_proj/],
    [
      "a tensor under another name",
      {
        header: (h) => {
          h["model.layers.0.self_attn.z_proj.weight"] = h[Q]!;
          delete h[Q];
        },
      },
      /z_proj|q_proj/,
    ],
    ["a type that is no float", { header: (h) => set(h[NORM]!, "dtype", "I32") }, /I32/],
    ["another vocabulary in its config", { config: (c) => set(c, "vocab_size", 511) }, /embed_tokens|lm_head/],
    ["an architecture that it cannot have", { config: (c) => set(c, "model_type", "gpt2") }, /model_type is .*gpt2/],
    ["sizes beyond all bounds", { config: (c) => set(c, "num_hidden_layers", 1e12) }, /num_hidden_layers/],
  ];
  it.for(cases)("%s", async ([, damage, message], context) => {
    await needsDevice(context);
    refused(await train("sft", [ids, ids], [], damaged(damage)), message);
  });
});

describe("an adapter whose files lie", () => {
  const adapter = { from: "trl_lora_run/initial_adapter" } as const;
  const first = (header: Header): string => Object.keys(header).find((name) => name.includes("lora_A"))!;
  const cases: [string, Damage, RegExp][] = [
    ["another rank in its config", { ...adapter, config: (c) => set(c, "r", 4) }, /needs \[4/],
    [
      "half a pair of matrices",
      {
        ...adapter,
        header: (h) => {
          h[first(h).replace("lora_A", "lora_C")] = h[first(h)]!;
          delete h[first(h)];
        },
      },
      /missing|adapts no/,
    ],
    ["a kind that is not plain LoRA", { ...adapter, config: (c) => set(c, "use_dora", true) }, /use_dora/],
    ["a truncated file", { ...adapter, bytes: (file) => file.subarray(0, file.length - 1) }, /the file at|past the end/],
  ];
  it.for(cases)("%s", async ([, damage, message], context) => {
    await needsDevice(context);
    refused(await train("dpo", [pair, pair], ["--init-adapter", damaged(damage)]), message);
  });

  it("target modules that match nothing", async (context) => {
    await needsDevice(context);
    refused(await train("sft", [ids, ids], ["--lora-r", "2", "--lora-target-modules", "query_proj"]), /query_proj/);
  });
});

describe("rows that cannot be trained on", () => {
  const cases: [string, "sft" | "dpo", object, RegExp][] = [
    ["an id beyond the vocabulary", "sft", { ...ids, input_ids: [1, 5, 512, 30] }, /row 1.*512/],
    ["an id beyond the vocabulary in a pair", "dpo", { ...pair, rejected_ids: [9, 600] }, /row 1.*600/],
    ["a negative id", "sft", { ...ids, input_ids: [1, -5, 9, 30] }, /row 1.*input_ids/],
    ["an empty completion", "sft", { prompt: "A question?", completion: [] }, /row 1/],
    ["an answer without a token", "dpo", { ...pair, chosen_ids: [] }, /row 1.*chosen_ids|chosen.*row 1/],
    ["nothing to learn", "sft", { ...ids, completion_mask: [1, 0, 0, 0] }, /row 1: would train on nothing/],
    ["a mask of another length", "sft", { ...ids, completion_mask: [1, 1] }, /row 1.*completion_mask/],
    ["no column that is known", "sft", { question: "?" }, /row 1: holds none of .*; its columns are question\n$/],
  ];
  it.for(cases)("%s: the row is named", async ([, command, row, message], context) => {
    await needsDevice(context);
    refused(await train(command, [command === "sft" ? ids : pair, row], ["--train-sampling-strategy", "sequential"]), message);
  });

  it("a sequence longer than what was planned for is trained on, the plan being made anew", async (context) => {
    await needsDevice(context);
    const long = { input_ids: Array.from({ length: 400 }, (_, i) => 3 + (i % 500)) };
    const rows = [ids, ids, { ...long, completion_mask: long.input_ids.map(() => 1) }, ids];
    const { code, stderr, output } = await train("sft", rows, ["--max-length", "0", "--train-sampling-strategy", "sequential"]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const lines = readFileSync(join(output, "log_history.jsonl"), "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).num_tokens)).toEqual([8, 8 + 404]);
  });
});
