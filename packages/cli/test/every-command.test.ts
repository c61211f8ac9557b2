import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Command } from "../src/commands/command.ts";
import { EXAMPLES } from "../src/commands/examples.ts";
import { commandNames, loadCommands } from "../src/commands/find-command.ts";
import type { FlagTable } from "../src/flags/flag.ts";
import { commonFlags, flagValues, readArguments } from "../src/flags/read-arguments.ts";
import { kebab } from "../src/flags/spelling.ts";
import { runCommandLine } from "../src/run-command-line.ts";
import { reference, runCli, temporaryFolder } from "../src/testing/run-cli.ts";

// What holds for every command there is. The tables are the commands' own: a new flag or command is tested as soon as it is there.

const commands = await loadCommands();
const names = [...commandNames.keys()];

async function run(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = { stdout: "", stderr: "" };
  const into = (name: "stdout" | "stderr") => ({ write: (text: string) => (output[name] += text) });
  const leave = (): void => {};
  const code = await runCommandLine(args, { env: {}, stdout: into("stdout"), stderr: into("stderr"), leave });
  return { code, ...output };
}

/** The command with every required flag and argument given, none of which exists. */
function filled(name: string, { flags, arguments: places = [] }: Command, leaveOut?: string): string[] {
  const required = Object.entries(flags).filter(([flag, { required }]) => required && flag !== leaveOut);
  const values = required.flatMap(([flag, { placeholder }]) => [
    `--${kebab(flag)}`,
    (placeholder!.includes("|") ? placeholder!.split("|")[0] : undefined) ?? "nowhere",
  ]);
  return [...name.split(" "), ...places.map(() => "/nowhere/at/all"), ...values];
}

/** Values that a flag must refuse, by what its help says it takes. */
function badValue(flag: FlagTable[string]): string | undefined {
  const { placeholder, list } = flag;
  if (placeholder === "N" || placeholder === "X" || placeholder === "X,Y") return "plenty";
  if (placeholder === "JSON") return "{";
  const words = placeholder?.split("|") ?? [];
  return !list && words.length > 1 && words.every((word) => word !== word.toUpperCase()) ? `${words[0]}x` : undefined;
}

const isMistake = ({ code, stdout, stderr }: Awaited<ReturnType<typeof run>>, message: RegExp, where: string): void => {
  expect({ where, code, stdout }).toEqual({ where, code: 2, stdout: "" });
  expect(stderr, where).toMatch(message);
  expect(stderr.trimEnd().split("\n"), where).toHaveLength(1);
};

describe.each(names)("zephyr %s", (name) => {
  const { command } = commands.get(name)!;
  const words = name.split(" ");

  it("has a help that names each flag", async () => {
    const { code, stdout, stderr } = await run([...words, "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(command.description);
    for (const flag of Object.keys(command.flags)) expect(stdout).toContain(`--${kebab(flag)}`);
    expect((await run(["help", ...words])).stdout).toBe(stdout);
  });

  it("has examples in its help, each of which it would take", async () => {
    const { stdout } = await run([...words, "--help"]);
    expect(EXAMPLES[name] ?? [], name).not.toEqual([]);
    for (const example of EXAMPLES[name]!) {
      expect(stdout).toContain(`  ${example}\n`);
      const typed = /zephyr ([^)]*)/.exec(example)![1]!.trim().split(" ");
      expect(typed.slice(0, words.length)).toEqual(words);
      const { given, positionals } = readArguments(typed.slice(words.length), { ...commonFlags, ...command.flags });
      expect(positionals, example).toHaveLength((command.arguments ?? []).length);
      // What --config would hold is not asked for here.
      if (!given.has("config")) flagValues(command.flags, given);
      for (const [flag, value] of given) command.flags[flag]?.parse(value, flag);
    }
  });

  it("suggests the nearest flag for one that it does not know", async () => {
    const flags = [...Object.keys(command.flags), "json"].map(kebab).filter((flag) => flag.length > 3);
    for (const flag of flags) {
      const typo = `--${flag.slice(0, -2)}${flag.at(-1)}${flag.at(-2)}`;
      if (flags.includes(typo.slice(2)) || typo === `--${flag}`) continue;
      isMistake(await run([...words, typo]), new RegExp(`unknown flag ${typo} \\((did you mean|it is called)`), typo);
    }
  });

  it("says what is missing: required flags, values, arguments", async () => {
    for (const [flag, { required, placeholder, optional }] of Object.entries(command.flags)) {
      const written = `--${kebab(flag)}`;
      if (required) isMistake(await run(filled(name, command, flag)), new RegExp(`${written} is missing`), written);
      if (placeholder !== undefined && !optional)
        isMistake(await run([...words, written]), new RegExp(`${written} has no value`), written);
    }
    const places = command.arguments ?? [];
    const all = filled(name, command);
    if (places.length > 0)
      isMistake(await run([...words, ...all.slice(words.length + places.length)]), new RegExp(`${places[0]} is missing`), name);
    // A last place such as RUN... takes any number.
    if (places.at(-1)?.endsWith("...")) return;
    isMistake(
      await run([...all.slice(0, words.length + places.length), "surplus", ...all.slice(words.length + places.length)]),
      /unexpected argument "surplus"/,
      name,
    );
  });

  it("refuses a value that a flag does not take, naming both", async () => {
    for (const [flag, definition] of Object.entries(command.flags)) {
      const bad = badValue(definition);
      if (bad === undefined) continue;
      const written = `--${kebab(flag)}`;
      isMistake(await run([...filled(name, command, flag), written, bad]), new RegExp(`${written} is (\\[)?"`), written);
    }
  });

  it("refuses a config that is not there, is no mapping, or has an unknown key", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "config.yaml");
    isMistake(await run([...filled(name, command), "--config", file]), /cannot be read \(ENOENT\)/, name);
    writeFileSync(file, "- a\n- b\n");
    isMistake(await run([...filled(name, command), "--config", file]), /holds no mapping/, name);
    if (command.ownConfig) return;
    writeFileSync(file, "no_such_key_at_all: 1\n");
    isMistake(await run([...filled(name, command), "--config", file]), /unknown key "no_such_key_at_all"/, name);
  });

  it("prints one object with the error and the exit code under --json", async () => {
    const { code, stdout } = await run([...words, "--json", "--no-such-flag-at-all"]);
    expect(code).toBe(2);
    expect(stdout.endsWith("}\n") && stdout.trimEnd().split("\n").length === 1).toBe(true);
    expect(JSON.parse(stdout)).toEqual({ error: expect.stringContaining("--no-such-flag-at-all"), exit_code: 2 });
  });
});

describe("input that is not there", () => {
  /** Commands that have nothing to look for before they begin. */
  const withoutInput = new Set(["doctor", "completion", "init", "generate-dialogues", "align", "serve", "worker"]);

  it.each(names.filter((name) => !withoutInput.has(name)))("%s: an error of one sentence, nothing written", async (name) => {
    const folder = temporaryFolder();
    const { command } = commands.get(name)!;
    const args = filled(name, command).map((argument) => (argument === "nowhere" ? join(folder, "nowhere") : argument));
    const ran = await runCli([...args, "--json"], { HF_HUB_OFFLINE: "1" });
    expect([1, 2]).toContain(ran.code);
    expect(JSON.parse(ran.stdout)).toEqual({ error: expect.any(String), exit_code: ran.code });
    expect(ran.stderr).not.toMatch(/\n\s+at /);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("--json", () => {
  const model = reference("mistral");
  const pairs = reference("trl_dpo_run/preferences.jsonl");
  const rated = [1, 5].map((rating) => ({
    model: `m${rating}`,
    content: `answer ${rating}`,
    annotations: { helpfulness: { rating, rationale: "" } },
  }));
  const rowsOf = (list: readonly object[]): string => list.map((row) => `${JSON.stringify(row)}\n`).join("");
  const prompt = { prompt_id: "a", prompt: [{ role: "user", content: "Say hello." }] };
  const files: Record<string, string> = {
    "rated.jsonl": rowsOf([{ prompt_id: "a", prompt: "Why?", completions: rated }]),
    "prompts.jsonl": rowsOf([prompt]),
    "dialogues.jsonl": rowsOf([{ messages: [...prompt.prompt, { role: "assistant", content: "Hello." }] }]),
    "answers.jsonl": rowsOf([{ prompt_id: "a", prompt: "Why?", completions: [{ model: "m", content: "So." }] }]),
    "scored.jsonl": rowsOf([{ prompt: "The sky", completion: " is blue" }]),
    "items.jsonl": rowsOf([{ task: "t", context: "The sky is", choices: [" blue", " loud"], gold: 0 }]),
    "judgments.jsonl": rowsOf([{ question_id: 81, model: "m", judge: ["j", "single-v1"], score: 8, turn: 1, judgment: "[[8]]" }]),
    "annotations.json": JSON.stringify([
      { instruction: "Say it.", output_1: "a", generator_1: "base", output_2: "b", generator_2: "m", preference: 2 },
    ]),
    "handbook.yaml": "model_name_or_path: org/model\nlearning_rate: 1.0e-5\ndataset_mixer: {org/data: 1.0}\n",
    "align.yaml":
      "run: run\nstages:\n  - {command: binarize, input: rated.jsonl, output: '{run}/pairs.jsonl', preset: h4, on_bad_rating: drop}\n",
    "pool.json": JSON.stringify({
      models: [{ name: "m", base_url: "http://127.0.0.1:9/v1", model: "m" }],
      judge: { name: "j", base_url: "http://127.0.0.1:9/v1", model: "j" },
      completions_per_prompt: 1,
    }),
  };
  const local = ["--model", model];
  /** A run of each command that must succeed; those on the device are small. */
  const successes: Record<string, string[]> = {
    doctor: [],
    init: ["mine"],
    inspect: [pairs],
    complete: ["--input", "prompts.jsonl", "--output", "c.jsonl", "--config", "pool.json", "--dry-run"],
    rate: ["--input", "answers.jsonl", "--output", "r.jsonl", "--config", "pool.json", "--dry-run"],
    binarize: ["--input", "rated.jsonl", "--output", "b.jsonl", "--preset", "zephyr-paper"],
    prepare: ["--input", "dialogues.jsonl", "--output", "p.jsonl", "--dedupe", "exact"],
    sft: [...local, "--data", "dialogues.jsonl", "--output", "sft", "--max-steps", "1", "--lora-r", "2"],
    dpo: [...local, "--data", pairs, "--output", "dpo", "--max-steps", "1"],
    merge: [...local, "--adapter", "sft", "--output", "merged"],
    score: [...local, "--input", "scored.jsonl", "--output", "s.jsonl"],
    generate: [...local, "--input", "prompts.jsonl", "--output", "g.jsonl", "--max-tokens", "2"],
    "eval preferences": [...local, "--data", pairs, "--ref-model", model],
    "eval alpaca": ["--annotations", "annotations.json"],
    "eval mt-bench": ["--judgments", "judgments.jsonl"],
    "eval harness": [...local, "--items", "items.jsonl"],
    report: ["dpo"],
    watch: ["dpo", "--once"],
    align: ["--config", "align.yaml"],
    "export trl": ["--method", "sft", ...local, "--data", "dialogues.jsonl", "--output", "trl"],
    import: ["handbook.yaml", "--output", "imported.yaml"],
    completion: ["bash"],
  };
  /** These need a server, or are one: they have tests of their own. */
  const elsewhere = new Set(["generate-dialogues", "serve", "worker"]);
  let folder = "";
  let hasDevice = false;
  beforeAll(async () => {
    hasDevice = (await runCli(["doctor"])).code === 0;
  });

  it("is tried for every command", () => {
    expect(names.filter((name) => !(name in successes) && !elsewhere.has(name))).toEqual([]);
  });

  it("prints one object, and nothing else, on stdout of every command", async () => {
    folder = temporaryFolder();
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    const onDevice = new Set([
      "doctor",
      "sft",
      "dpo",
      "merge",
      "score",
      "generate",
      "eval preferences",
      "eval harness",
      "report",
      "watch",
    ]);
    for (const [name, args] of Object.entries(successes)) {
      if (!hasDevice && onDevice.has(name)) continue;
      const ran = await runCli([...name.split(" "), ...args, "--json"], {}, folder);
      expect({ name, code: ran.code, stderr: ran.code === 0 ? "" : ran.stderr }).toEqual({ name, code: 0, stderr: "" });
      expect(ran.stdout.trimEnd().split("\n"), name).toHaveLength(1);
      expect(JSON.parse(ran.stdout), name).toBeTypeOf("object");
    }
    if (!hasDevice) return;
    expect(readFileSync(join(folder, "dpo/log_history.jsonl"), "utf8").trimEnd().split("\n").length).toBeGreaterThan(0);
    expect(existsSync(join(folder, "merged/model.safetensors"))).toBe(true);
  });
});
