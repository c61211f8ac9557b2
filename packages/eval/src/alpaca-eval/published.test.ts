import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { alpacaEval } from "./alpaca-eval.ts";
import { preferenceFromReply } from "./annotator-replies.ts";
import { readLengthControlData } from "./length-control-data.ts";
import { recoverDifficulty, winRateFromWeights } from "./length-controlled.ts";
import type { Annotation, ModelOutput } from "./rows.ts";

// AlpacaEval's files are CC BY-NC 4.0 and not in this repository.
const data = join(process.env["ZEPHYR_BENCHMARK_DATA"] ?? join(import.meta.dirname, "../../../../../shared/data"), "alpacaeval");
const absent = !existsSync(data);

const readGz = <T>(path: string): T[] => JSON.parse(gunzipSync(readFileSync(join(data, path))).toString("utf8"));
const csv = (path: string): Map<string, Record<string, string>> => {
  const [header = "", ...lines] = readFileSync(join(data, "leaderboards", path), "utf8")
    .trim()
    .split("\n");
  const names = header.split(",");
  return new Map(
    lines.map((line) => [line.split(",")[0]!, Object.fromEntries(line.split(",").map((field, i) => [names[i]!, field]))]),
  );
};
const modelsIn = (folder: string) =>
  absent ? [] : readdirSync(join(data, folder)).map((name) => name.replace(".annotations.json.gz", ""));
const annotationsOf = (folder: string, model: string) => readGz<Annotation>(`${folder}/${model}.annotations.json.gz`);
const outputsOf = (model: string) =>
  existsSync(join(data, `model_outputs/${model}.json.gz`)) ? readGz<ModelOutput>(`model_outputs/${model}.json.gz`) : undefined;

const V1 = "v1_alpaca_eval_gpt4";
const V2 = "v2_weighted_alpaca_eval_gpt4_turbo";
const COUNTS = ["n_wins", "n_wins_base", "n_draws", "n_total"] as const;

describe.skipIf(absent)(`published AlpacaEval numbers${absent ? ` (skipped: ${data} is absent)` : ""}`, () => {
  const boards = { [V1]: "alpaca_eval_gpt4_leaderboard.csv", [V2]: "weighted_alpaca_eval_gpt4_turbo_leaderboard.csv" };
  const weights = absent ? new Map() : csv("length_controlled_v1_weights_baseline_gpt4_1106_preview.csv");
  const weightsOf = (model: string) => {
    const row = weights.get(model)!;
    return {
      length: Number(row["np.tanh(std_delta_len)"]),
      difficulty: Number(row["instruction_difficulty"]),
      model: Number(row["not_gamed_baseline.astype(float)"]),
    };
  };

  test.each([V1, V2].flatMap((folder) => modelsIn(folder).map((model) => [folder, model] as const)))(
    "%s %s: win rate, error, counts and length",
    (folder, model) => {
      const row = csv(boards[folder as typeof V1])!.get(model)!;
      const modelOutputs = outputsOf(model);
      const result = alpacaEval({ annotations: annotationsOf(folder, model), ...(modelOutputs ? { modelOutputs } : {}) });
      for (const key of COUNTS) expect(result[key]).toBe(Number(row[key]));
      for (const key of ["win_rate", "standard_error", "discrete_win_rate"] as const)
        expect(Math.abs(result[key] - Number(row[key]))).toBeLessThan(1e-6);
      if (modelOutputs && !["text_davinci_001"].includes(model)) expect(result.avg_length).toBe(Number(row["avg_length"]));
    },
  );

  test("every preference of version 2 comes back from its raw reply and the swap of its instruction", () => {
    let rebuilt = 0;
    for (const model of modelsIn(V2)) {
      for (const row of annotationsOf(V2, model)) {
        if (row.raw_completion === undefined || row.raw_completion === null) continue;
        expect(Math.abs(preferenceFromReply(row)! - row.preference!)).toBeLessThan(1e-9);
        rebuilt++;
      }
    }
    expect(rebuilt).toBeGreaterThan(4800);
  });

  test("ranking replies of version 1 give the stored preference", () => {
    const rows = annotationsOf(V1, "gpt-3.5-turbo-1106").filter((row) => typeof row.raw_completion === "string");
    expect(rows.length).toBeGreaterThan(700);
    for (const row of rows) expect(preferenceFromReply(row)).toBe(row.preference);
  });

  test("rows without a preference score the same as with it", () => {
    const annotations = annotationsOf(V2, "gemma-7b-it");
    const { win_rate, n_wins } = alpacaEval({ annotations: annotations.map(({ preference: _, ...row }) => row) });
    const stored = alpacaEval({ annotations });
    expect(win_rate).toBeCloseTo(stored.win_rate, 8);
    expect(n_wins).toBe(stored.n_wins);
  });

  test.each(modelsIn(V2))("%s: length-controlled within 0.02 with the recorded C, within 0.15 with our own", (model) => {
    const lengthControl = readLengthControlData(join(data, "lc"));
    const recorded: { model: string; C: number }[] = JSON.parse(readFileSync(join(data, "lc/selected_C.json"), "utf8")).shared_v2;
    const published = Number(csv(boards[V2]).get(model)!["length_controlled_winrate"]);
    const annotations = annotationsOf(V2, model);
    const fixed = alpacaEval({ annotations, lengthControl, c: recorded.find((entry) => entry.model === model)!.C });
    expect(Math.abs(fixed.length_controlled_winrate! - published)).toBeLessThan(0.02);
    const before = process.threadCpuUsage();
    const chosen = alpacaEval({ annotations, lengthControl });
    // 200 ms on an idle machine; time on the processor grows too where its caches and threads are shared.
    expect(process.threadCpuUsage(before).user / 1e3).toBeLessThan(600);
    expect(Math.abs(chosen.length_controlled_winrate! - published)).toBeLessThan(0.15);
  });

  test("version 1 length-controlled with our own C is within 0.15 for at least 80% of the models", () => {
    const lengthControl = readLengthControlData(join(data, "lc"));
    const errors = modelsIn(V1).map((model) => {
      const published = Number(csv(boards[V1]).get(model)!["length_controlled_winrate"]);
      return Math.abs(
        alpacaEval({ annotations: annotationsOf(V1, model), lengthControl }).length_controlled_winrate! - published,
      );
    });
    expect(errors.filter((error) => error < 0.15).length / errors.length).toBeGreaterThanOrEqual(0.8);
  });

  test("published weights give the published length-controlled rate and error", () => {
    const { difficulty } = readLengthControlData(join(data, "lc"));
    for (const model of ["zephyr-7b-beta", "zephyr-7b-alpha", "alpaca-7b"]) {
      const row = csv(boards[V2]).get(model)!;
      const { length_controlled_winrate, lc_standard_error } = winRateFromWeights(weightsOf(model), difficulty);
      expect(Math.abs(length_controlled_winrate - Number(row["length_controlled_winrate"]))).toBeLessThan(1e-6);
      if (row["lc_standard_error"]) expect(Math.abs(lc_standard_error - Number(row["lc_standard_error"]))).toBeLessThan(1e-6);
    }
  });

  test("instruction difficulties come back from the fitted preferences", () => {
    const { difficulty } = readLengthControlData(join(data, "lc"));
    const fitted = annotationsOf(V2, "vicuna-13b-v1.5").map(
      (row) => (row as Annotation & { glm_preference: number }).glm_preference,
    );
    const recovered = recoverDifficulty(
      fitted.map((p) => (p > 1 ? p - 1 : p)),
      weightsOf("vicuna-13b-v1.5"),
    );
    expect(Math.max(...recovered.map((gamma, i) => Math.abs(gamma - difficulty[i]!)))).toBeLessThan(1e-6);
  });
});
