import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCommandLine } from "../src/run-command-line.ts";
import { temporaryFolder } from "../src/testing/run-cli.ts";

const data = process.env["ZEPHYR_BENCHMARK_DATA"] ?? join(import.meta.dirname, "../../../../shared/data");

async function alpaca(...args: string[]) {
  const output = { stdout: "", stderr: "" };
  const into = (name: "stdout" | "stderr") => ({ write: (text: string) => (output[name] += text) });
  const words = ["eval", "alpaca", ...args, "--json"];
  const code = await runCommandLine(words, { env: {}, stdout: into("stdout"), stderr: into("stderr"), leave: () => {} });
  return { code, stderr: output.stderr, result: output.stdout === "" ? undefined : JSON.parse(output.stdout) };
}

it.skipIf(!existsSync(join(data, "alpacaeval")))(
  "zephyr eval alpaca gives gemma-7b-it's published row, with a C given or found, by row or by instruction, and a report of it",
  async () => {
    const at = (path: string) => join(data, "alpacaeval", path);
    const judged = ["--annotations", at("v2_weighted_alpaca_eval_gpt4_turbo/gemma-7b-it.annotations.json.gz")];
    const outputs = ["--model-outputs", at("model_outputs/gemma-7b-it.json.gz")];
    const reference = ["--reference-outputs", at("model_outputs/gpt4_1106_preview.json.gz")];
    const [header, ...lines] = readFileSync(at("leaderboards/weighted_alpaca_eval_gpt4_turbo_leaderboard.csv"), "utf8")
      .split("\n")
      .map((line) => line.split(","));
    const fields = lines.find(([name]) => name === "gemma-7b-it")!;
    const published = (key: string) => Number(fields[header!.indexOf(key)]);
    const folder = join(temporaryFolder(), "run");
    const lc = ["--lc-data", at("lc")];
    const fixed = await alpaca(...judged, ...outputs, ...reference, ...lc, "--lc-c", "2.782559402207126", "--output", folder);
    expect(fixed.code, fixed.stderr).toBe(0);
    for (const key of [
      "win_rate",
      "standard_error",
      "discrete_win_rate",
      "n_wins",
      "n_wins_base",
      "n_draws",
      "n_total",
      "avg_length",
    ])
      expect(Math.abs(fixed.result[key] - published(key)), key).toBeLessThan(1e-6);
    const error = (result: Record<string, number>) =>
      Math.abs(result["length_controlled_winrate"]! - published("length_controlled_winrate"));
    expect(error(fixed.result)).toBeLessThan(0.02);
    const found = await alpaca(...judged, ...outputs, ...reference, ...lc, "--mode", "strict");
    expect(found.code, found.stderr).toBe(0);
    expect(error(found.result)).toBeLessThan(0.15);
    expect((await alpaca(...judged, ...lc, "--mode", "strict")).stderr).toContain("reference");
    expect((await alpaca(...judged, "--lc-data", folder)).stderr).toContain("curl");
    const leave = () => {};
    const quiet = { write: () => {} };
    expect(await runCommandLine(["report", folder], { env: {}, stdout: quiet, stderr: quiet, leave })).toBe(0);
    const page = readFileSync(join(folder, "report.html"), "utf8");
    for (const text of [fixed.result.win_rate.toFixed(2), "Judge audit", "AlpacaEval: lost to the baseline", "90.60"])
      expect(page.includes(text), text).toBe(true);
    expect(Buffer.byteLength(page)).toBeLessThan(1_000_000);
  },
);
