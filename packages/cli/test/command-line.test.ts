import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandNames } from "../src/commands/find-command.ts";
import { runCommandLine } from "../src/run-command-line.ts";
import { reference, runCli, temporaryFolder } from "../src/testing/run-cli.ts";

/** The same in this process: faster, where many cases are looked at. */
async function runHere(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = { stdout: "", stderr: "" };
  const into = (name: "stdout" | "stderr") => ({ write: (text: string) => (output[name] += text) });
  const leave = (): void => {};
  const code = await runCommandLine(args, { env: {}, stdout: into("stdout"), stderr: into("stderr"), leave });
  return { code, ...output };
}

const pair = ["--model", reference("mistral"), "--data", reference("trl_dpo_run/preferences.jsonl")];

describe("the command line", () => {
  it("prints its version alone", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    expect(await runCli(["--version"])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("lists every command in its help, and exits 2 without one", async () => {
    const help = await runCli(["--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    for (const name of commandNames.keys()) expect(help.stdout).toContain(`\n  ${name} `);
    const bare = await runCli([]);
    expect(bare).toMatchObject({ code: 2, stdout: "" });
  });

  it("shows the flags of every command, each of which can be loaded", async () => {
    const shown = await Promise.all([...commandNames.keys()].map((name) => runHere([...name.split(" "), "--help"])));
    for (const { code, stdout, stderr } of shown) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toMatch(/^zephyr [\s\S]*--json/);
    }
  });

  it.each([
    [["dop"], /unknown command "dop" \(did you mean dpo\?\)/],
    [["eval", "alpacca"], /did you mean alpaca\?/],
    [["eval"], /preferences, alpaca, mt-bench, harness/],
    [["sft", "--learning-rat", "1"], /--learning-rat \(did you mean --learning-rate\?\)/],
    [["sft", "--output-dir", "x"], /it is called --output here/],
    [["dpo", ...pair], /--output is missing/],
    [["dpo", ...pair, "--output"], /--output has no value/],
    [["dpo", ...pair, "--output", "x", "--beta", "strong"], /--beta is "strong"; give a number/],
    [["dpo", ...pair, "--output", "x", "--seed", "1.5"], /--seed is "1.5"; give a whole number/],
    [["dpo", ...pair, "--output", "x", "--seed", "1", "--seed", "2"], /--seed is given twice/],
    [["dpo", ...pair, "--output", "x", "--loss-type", "sigmod"], /did you mean sigmoid\?/],
    [["dpo", ...pair, "--output", "x", "--loss-type", "sigmoid,sft", "--loss-weights", "1"], /1 weights for 2 losses/],
    [["dpo", ...pair, "--output", "x", "--loss-type", "robust", "--label-smoothing", "0.5"], /labelSmoothing|label_smoothing/],
    [["dpo", ...pair, "--output", "x", "--lr-scheduler-type", "cosin"], /did you mean cosine\?/],
    [["dpo", ...pair, "--output", "x", "--reference", "adapter-off"], /needs an adapter/],
    [["dpo", ...pair, "--output", "x", "--warmup-ratio", "0.1", "--warmup-steps", "3"], /both given/],
    [["dpo", ...pair, "--output", "x", "--loss-type", "aot", "--use-weighting"], /sorts its batch/],
    [["dpo", ...pair, "--output", "x", "--ld-alpha", "2"], /from 0 to 1/],
    [["dpo", ...pair, "--output", "x", "--lora-alpha", "8"], /without --lora-r/],
    [["sft", ...pair, "--output", "x", "--lora-dropout", "0.1"], /--lora-dropout is given without --lora-r/],
    [["dpo", ...pair, "--output", "x", "--dtype", "bf16"], /--dtype bf16 keeps the base weights frozen; give --lora-r/],
    [["sft", ...pair, "--output", "x", "--dtype", "nf4"], /--dtype nf4 keeps the base weights frozen/],
    [["binarize", "--input", "x", "--output", "y", "--preset", "zephyr-papr", "--seed", "0"], /did you mean "zephyr-paper"/],
    [["binarize", "--input", "x", "--output", "y", "--preset", "h4", "--seed", "zero"], /--seed is "zero"/],
    [["report"], /DIR is missing/],
    [["doctor", "now"], /unexpected argument "now"/],
  ])("%j is a mistake of the caller: exit code 2, one sentence, nothing on stdout", async (args, message) => {
    const { code, stdout, stderr } = await runHere(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it("a mistake is exit code 2 of the process, too", async () => {
    const { code, stdout, stderr } = await runCli(["dpo", ...pair, "--outptu", "x"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe("zephyr: unknown flag --outptu (did you mean --output?)\n");
  });

  it("shows a stack under --debug only", async () => {
    const args = ["report", "/nowhere/at/all"];
    expect((await runCli(args)).stderr).not.toMatch(/\n\s+at /);
    expect((await runCli([...args, "--debug"])).stderr).toMatch(/\n\s+at /);
  });
});

describe("--config", () => {
  const rated = (id: string) => ({
    prompt_id: id,
    prompt: `Question ${id}?`,
    completions: [1, 5, 3].map((rating) => ({
      model: `m${rating}`,
      content: `answer ${rating}`,
      annotations: { helpfulness: { rating, rationale: "" } },
    })),
  });
  const write = (folder: string, name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const rows = (path: string) =>
    readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));

  it("takes snake_case from YAML and JSON, and a flag wins over it", async () => {
    const folder = temporaryFolder();
    const input = write(folder, "rated.jsonl", ["a", "b"].map((id) => `${JSON.stringify(rated(id))}\n`).join(""));
    const yaml = write(folder, "c.yaml", `input: ${input}\npreset: max-min\nseed: 0\non_bad_rating: error\nmargin:\n`);
    const output = join(folder, "out.jsonl");
    expect(await runCli(["binarize", "--config", yaml, "--output", output])).toMatchObject({ code: 0 });
    expect(rows(output).map((row) => [row.prompt_id, row.score_chosen, row.score_rejected])).toEqual([
      ["a", 5, 1],
      ["b", 5, 1],
    ]);
    const json = write(
      folder,
      "c.json",
      JSON.stringify({ input, preset: "max-min", seed: 0, format: "h4", output: "/nowhere/x.jsonl" }),
    );
    const other = join(folder, "other.jsonl");
    const ran = await runCli(["binarize", "--config", json, "--output", other, "--json"]);
    expect(ran.code).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ output: other, output_rows: 2, preset: "max-min" });
    expect(rows(other)[0].prompt).toBe("Question a?");
  });

  it.each([
    ["presett: h4\n", /unknown key "presett" in .* \(did you mean preset\?\)/],
    ["seed: zero\n", /seed is "zero"; give a whole number/],
    ["- a\n- b\n", /holds no mapping/],
    ["a: [1\n", /neither YAML nor JSON/],
  ])("%j is refused", async (text, message) => {
    const file = write(temporaryFolder(), "c.yaml", text);
    const { code, stderr } = await runCli(["binarize", "--config", file, "--input", "x", "--output", "y", "--preset", "h4"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it("an existing output is refused, and an error leaves no part of a new one", async () => {
    const folder = temporaryFolder();
    const broken = write(folder, "broken.jsonl", `${JSON.stringify(rated("a"))}\n{"prompt_id": "b", "completions": 3}\n`);
    const output = join(folder, "out.jsonl");
    const args = ["binarize", "--input", broken, "--preset", "h4", "--seed", "0", "--output", output];
    expect((await runCli(args)).code).toBe(1);
    expect(readdirSync(folder)).toEqual(["broken.jsonl"]);
    writeFileSync(output, "mine");
    expect(await runCli(args)).toMatchObject({ code: 2, stderr: expect.stringContaining("--overwrite") });
    expect(readFileSync(output, "utf8")).toBe("mine");
  });
});
