import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Annotation } from "@zephyr/eval";

/** Folder of the published benchmark files: `ZEPHYR_BENCHMARK_DATA`, by default beside the repository. */
const data = process.env["ZEPHYR_BENCHMARK_DATA"] ?? join(import.meta.dirname, "../../../shared/data");

/** Path of a published file; throws an Error saying where it was looked for. */
export function published(path: string): string {
  const full = join(data, path);
  if (!existsSync(full)) throw new Error(`evaluation: ${full} is absent; set ZEPHYR_BENCHMARK_DATA to the folder that holds it`);
  return full;
}

function textOf(path: string): string {
  const bytes = readFileSync(published(path));
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
}

export const json = <T>(path: string): T => JSON.parse(textOf(path)) as T;

export const jsonl = <T>(path: string): T[] =>
  textOf(path)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as T);

/** A leaderboard by model; its fields hold no commas. */
export function board(name: string): Map<string, Record<string, string>> {
  const [header = "", ...lines] = textOf(`alpacaeval/leaderboards/${name}`).trim().split(/\r?\n/);
  const names = header.split(",");
  return new Map(
    lines
      .map((line) => line.split(","))
      .map((fields) => [fields[0]!, Object.fromEntries(fields.map((field, i) => [names[i]!, field]))]),
  );
}

export const VERSIONS = {
  1: { folder: "v1_alpaca_eval_gpt4", board: "alpaca_eval_gpt4_leaderboard.csv" },
  2: { folder: "v2_weighted_alpaca_eval_gpt4_turbo", board: "weighted_alpaca_eval_gpt4_turbo_leaderboard.csv" },
} as const;
export type Version = keyof typeof VERSIONS;

/** Every model whose annotations are there and that the leaderboard lists. */
export function* annotated(
  version: Version,
): Generator<{ model: string; annotations: Annotation[]; row: Record<string, string> }> {
  const { folder, board: name } = VERSIONS[version];
  const rows = board(name);
  for (const file of readdirSync(published(`alpacaeval/${folder}`))) {
    const model = file.replace(".annotations.json.gz", "");
    const row = rows.get(model);
    if (row) yield { model, annotations: json<Annotation[]>(`alpacaeval/${folder}/${file}`), row };
  }
}
