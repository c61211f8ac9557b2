import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { collectRows, readRows } from "@zephyr/data";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { reference, runCli, temporaryFolder } from "../src/testing/run-cli.ts";

const write = (path: string, text: string): string => {
  writeFileSync(path, text);
  return path;
};
const rated = (id: string, ratings: number[]) => ({
  prompt_id: id,
  prompt: `Question ${id}?`,
  completions: ratings.map((rating) => ({
    model: `m${rating}`,
    content: `answer ${rating}`,
    annotations: { helpfulness: { rating, rationale: "" } },
  })),
});

describe("zephyr align", () => {
  const recipe = (folder: string, preset: string, input = "rated.jsonl"): string =>
    write(
      join(folder, "recipe.yaml"),
      `run: ${join(folder, "run")}
stages:
  - { command: prepare, input: ${join(folder, input)}, output: "{run}/clean.jsonl", dedupe: exact }
  - { name: pairs, command: binarize, input: "{run}/clean.jsonl", output: "{run}/pairs.jsonl", preset: ${preset}, seed: 0 }
`,
    );

  it("runs its stages in order, leaves out what is done, and goes on after a failure where it stopped", async () => {
    const folder = temporaryFolder();
    const rows = [rated("a", [1, 5]), rated("a", [1, 5]), rated("b", [2, 9])];
    write(join(folder, "rated.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const args = ["align", "--config", recipe(folder, "zephyr-paper")];
    const failed = await runCli(args);
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed.stderr).toContain("9");
    const told = () => JSON.parse(readFileSync(join(folder, "run/progress.json"), "utf8"));
    expect(told()).toMatchObject({
      command: "align",
      status: "failed",
      reason: expect.stringContaining("9"),
      stages: [
        { name: "prepare", status: "done", seconds: expect.any(Number), rows: 3 },
        { name: "pairs", command: "binarize", status: "failed", began: expect.any(Number) },
      ],
    });
    const clean = join(folder, "run/clean.jsonl");
    const written = statSync(clean).mtimeMs;
    expect(await collectRows(readRows(clean))).toHaveLength(2);
    // The stage that failed is run again with other settings; the one before it is not touched.
    recipe(folder, "h4");
    expect(await runCli(args)).toMatchObject({ code: 0, stderr: expect.stringContaining("prepare: done before") });
    expect(statSync(clean).mtimeMs).toBe(written);
    expect(existsSync(join(folder, "run/pairs.jsonl"))).toBe(true);
    expect(told()).toMatchObject({ status: "done", stages: [{ status: "done" }, { status: "done" }] });
    expect(told()).not.toHaveProperty("reason");
    const watched = await runCli(["watch", join(folder, "run"), "--once", "--json"]);
    expect(watched.code, watched.stderr).toBe(0);
    const again = await runCli([...args, "--json"]);
    expect(JSON.parse(again.stdout).stages).toMatchObject([
      { name: "prepare", status: "done" },
      { name: "pairs", status: "done" },
    ]);
  });

  it("refuses other settings of a stage that is done, unless it is run anew from there", async () => {
    const folder = temporaryFolder();
    write(join(folder, "rated.jsonl"), `${JSON.stringify(rated("a", [1, 3, 5]))}\n`);
    const args = ["align", "--config", recipe(folder, "max-min")];
    expect((await runCli(args)).code).toBe(0);
    recipe(folder, "argilla");
    expect(await runCli(args)).toMatchObject({ code: 2, stderr: expect.stringContaining("--from pairs") });
    expect((await runCli([...args, "--from", "pairs"])).code).toBe(0);
    expect(await runCli([...args, "--from", "nowhere"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("prepare, pairs"),
    });
  });

  it.each([
    ["run: x\nstages: []\n", /has no stages/],
    ["stages: [{command: sft}]\n", /names no run/],
    ["run: x\nstages: [{command: stf}]\n", /did you mean sft/],
    ["run: x\nstages: [{command: binarize, preset: h4, seed: 0, input: a, outptu: b}]\n", /outptu.*did you mean output/],
    ["run: x\nstages: [{command: binarize, preset: h4, seed: 0, input: a}]\n", /--output is missing/],
    ["run: x\nstages: [{command: report, path: a}, {command: report, path: b}]\n", /two stages called report/],
  ])("%j is found before anything runs", async (text, message) => {
    const file = write(join(temporaryFolder(), "recipe.yaml"), text);
    const { code, stderr } = await runCli(["align", "--config", file]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
    expect(existsSync("x")).toBe(false);
  });
});

describe("the plan of zephyr align", () => {
  it("tells rows, requests, cost, steps and memory before anything is sent or trained", async () => {
    const folder = temporaryFolder();
    const rows = [1, 2, 3].map((i) => ({ prompt_id: `p${i}`, prompt: `Question ${i}?` }));
    write(join(folder, "prompts.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const model = (name: string) =>
      `{name: ${name}, base_url: "http://127.0.0.1:9/v1", model: m, requests_per_minute: 4, price: {input_per_million: 1, output_per_million: 2}}`;
    const file = write(
      join(folder, "recipe.yaml"),
      `run: ${join(folder, "run")}
stages:
  - {command: complete, input: ${join(folder, "prompts.jsonl")}, output: "{run}/c.jsonl", models: [${model("a")}, ${model("b")}], completions_per_prompt: 2}
  - {command: rate, input: "{run}/c.jsonl", output: "{run}/r.jsonl", judge: ${model("j")}}
  - {command: binarize, input: "{run}/r.jsonl", output: "{run}/pairs.jsonl", preset: h4}
  - {name: dDPO, command: dpo, model: ${reference("mistral")}, data: "{run}/pairs.jsonl", output: "{run}/dpo", num_train_epochs: 2, per_device_train_batch_size: 2}
`,
    );
    const { code, stdout, stderr } = await runCli(["align", "--config", file, "--dry-run", "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { plan } = JSON.parse(stdout);
    expect(plan).toMatchObject([
      // Three of the six go to each model, four a minute.
      {
        name: "complete",
        status: "to do",
        rows: 3,
        requests: 6,
        cost_usd: [expect.any(Number), expect.any(Number)],
        least_seconds: 45,
      },
      { name: "rate", rows: 3, requests: null },
      { name: "binarize", rows: 3 },
      { name: "dDPO", command: "dpo", rows: 3, steps: 4, memory_bytes: expect.any(Number) },
    ]);
    expect(plan[0].cost_usd[1]).toBeGreaterThan(plan[0].cost_usd[0]);
    expect(existsSync(join(folder, "run"))).toBe(false);
  });
});

describe("the plan's training stages", () => {
  const model = reference("mistral");
  const settings: [string, string, string[]][] = [
    ["all weights", "", []],
    ["an adapter", "lora_r: 4", ["--lora-r", "4"]],
    [
      "some modules",
      "lora_r: 4, lora_target_modules: [q_proj, v_proj]",
      ["--lora-r", "4", "--lora-target-modules", "q_proj,v_proj"],
    ],
    ["a 4-bit base", "lora_r: 4, dtype: nf4", ["--lora-r", "4", "--dtype", "nf4"]],
    ["a bf16 base", "lora_r: 4, dtype: bf16", ["--lora-r", "4", "--dtype", "bf16"]],
    [
      "checkpointing and sizes",
      "gradient_checkpointing: true, per_device_train_batch_size: 2, max_length: 64",
      ["--gradient-checkpointing", "--per-device-train-batch-size", "2", "--max-length", "64"],
    ],
  ];

  it("take the memory that inspect --train says, whatever the settings; a stage goes on with the shape of the one before", async () => {
    const folder = temporaryFolder();
    write(join(folder, "rows.jsonl"), '{"text": "a"}\n{"text": "b"}\n{"text": "c"}\n');
    const stages = settings.flatMap(([name, flags], i) => {
      const more = flags === "" ? "" : `, ${flags}`;
      const sft = `  - {name: sft ${name}, command: sft, model: ${model}, data: ${join(folder, "rows.jsonl")}, output: "{run}/sft${i}"${more}}`;
      return [sft, sft.replace("name: sft", "name: dpo").replace("command: sft", "command: dpo").replace("/sft", "/dpo")];
    });
    const onward = `  - {name: onward, command: dpo, model: ${model}, init_adapter: "{run}/sft1", data: "{run}/pairs.jsonl", output: "{run}/on"}`;
    const whole = `  - {name: whole, command: dpo, model: "{run}/sft0", data: "{run}/pairs.jsonl", output: "{run}/whole", reference: copy}`;
    const packed = `  - {name: packed, command: sft, model: nowhere/there, data: ${join(folder, "rows.jsonl")}, output: "{run}/p", packing: true}`;
    const file = write(
      join(folder, "recipe.yaml"),
      `run: ${join(folder, "run")}\nstages:\n${[...stages, onward, whole, packed].join("\n")}\n`,
    );
    const planned = await runCli(["align", "--config", file, "--dry-run", "--json"]);
    expect(planned.code, planned.stderr).toBe(0);
    const plan: { name: string; memory_bytes: number; steps: number }[] = JSON.parse(planned.stdout).plan;
    const bytes = (name: string): number => plan.find((stage) => stage.name === name)!.memory_bytes;
    for (const [name, , flags] of settings) {
      for (const trainer of ["sft", "dpo"]) {
        const inspected = await runCli(["inspect", model, "--train", trainer, ...flags, "--json"]);
        const { memory } = JSON.parse(inspected.stdout) as { memory: { total: number; weights: number } };
        expect(bytes(`${trainer} ${name}`), `${trainer} ${name}`).toBe(memory.total);
        if (name === "all weights" && trainer === "dpo") expect(bytes("whole")).toBe(memory.total + memory.weights);
      }
    }
    expect(bytes("onward")).toBe(bytes("dpo an adapter"));
    expect(new Set(settings.map(([name]) => bytes(`sft ${name}`))).size).toBe(settings.length);
    // 3 rows, batches of 8, 3 epochs; of 2: 2 batches an epoch.
    expect(plan.map(({ steps }) => steps).slice(-5)).toEqual([6, 6, null, null, 3]);
    const { stdout } = await runCli(["align", "--config", file, "--dry-run"]);
    expect(stdout).toMatch(/packed .*steps: fewer than 3, packed, memory: known when its model is there/);
  });

  it("that were begun tell how long they need at their pace", async () => {
    const folder = temporaryFolder();
    const run = join(folder, "run");
    mkdirSync(join(run, "sft"), { recursive: true });
    const text = `run: ${run}\nstages:\n  - {command: sft, model: ${model}, data: ${join(folder, "rows.jsonl")}, output: "{run}/sft"}\n`;
    const file = write(join(folder, "recipe.yaml"), text);
    write(join(folder, "rows.jsonl"), '{"text": "a"}\n');
    write(join(run, "result.json"), JSON.stringify({ stages: [{ name: "sft", fingerprint: "", status: "begun", seconds: 0 }] }));
    const line = (step: number): string =>
      `${JSON.stringify({ step, max_steps: 10, time: 5 * step, samples: step, num_tokens: step, memory_mib: 1 })}\n`;
    write(join(run, "sft/timing.jsonl"), `${[1, 2, 3, 4].map(line).join("")}{"step": 5, "ti`);
    const { stdout } = await runCli(["align", "--config", file, "--dry-run", "--json"]);
    expect(JSON.parse(stdout).plan).toMatchObject([{ status: "goes on", seconds_left: 30 }]);
  });
});

describe("zephyr init", () => {
  it("writes a recipe that align understands as it is", async () => {
    const folder = join(temporaryFolder(), "mine");
    expect(await runCli(["init", folder])).toMatchObject({ code: 0 });
    const config = join(folder, "recipe.yaml");
    writeFileSync(config, readFileSync(config, "utf8").replace("run: runs/zephyr", `run: ${join(folder, "run")}`));
    // The first thing that is missing is the user's data, not a setting.
    expect(await runCli(["align", "--config", config])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("dialogues.jsonl does not exist"),
    });
    expect(await runCli(["init", folder])).toMatchObject({ code: 2, stderr: expect.stringContaining("--overwrite") });
  });
});

describe("zephyr export trl", () => {
  it("a stage for TRL has its rows as Parquet and its names in the config", async () => {
    const output = join(temporaryFolder(), "trl");
    const pairs = reference("trl_dpo_run/preferences.jsonl");
    const flags = [
      "--data",
      pairs,
      "--eval-data",
      pairs,
      "--warmup-ratio",
      "0.1",
      "--max-length",
      "0",
      "--lora-r",
      "8",
      "--learning-rate",
      "5e-7",
    ];
    const ran = await runCli(["export", "trl", "--method", "dpo", "--model", "org/sft", "--output", output, ...flags]);
    expect(ran.code, ran.stderr).toBe(0);
    const rows = await collectRows(readRows(join(output, "data/train.parquet")));
    const given = await collectRows(readRows(pairs));
    expect(rows).toEqual(given);
    const config = parse(readFileSync(join(output, "trl.yaml"), "utf8"));
    expect(config).toMatchObject({
      model_name_or_path: "org/sft",
      learning_rate: 5e-7,
      warmup_steps: 0.1,
      max_length: null,
      loss_type: ["sigmoid"],
      use_peft: true,
      lora_r: 8,
      dataset_test_split: "test",
      precompute_ref_log_probs: false,
    });
    expect(config).not.toHaveProperty("warmup_ratio");
    expect(parse(readFileSync(join(output, "accelerate.yaml"), "utf8"))).toMatchObject({
      distributed_type: "FSDP",
      num_processes: 8,
    });
  });
});
