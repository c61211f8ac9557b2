import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import type {
  AlpacaEvalResult,
  Annotation,
  Comparison,
  PairScores,
  PreferenceAccuracy,
  SingleScores,
  TaskResult,
} from "@zephyr/eval";
import { readLog } from "@zephyr/train-webgpu";
import { RESULT_FILES } from "../evaluation/result-folder.ts";

/** What the demo and `zephyr align` write when they are done. */
export interface RecipeResult {
  adapter?: string;
  commit?: string;
  seconds?: number;
  peak_memory_mib?: number;
  prompts?: number;
  comparisons?: Pick<Comparison, "a" | "b" | "win_rate" | "ci95" | "wins" | "losses" | "ties">[];
  stages?: { name: string; seconds: number }[];
}

/** Everything in a run's folder (and the folders below it) that a report can show; names are the folders'. */
export interface RunContents {
  logs: { name: string; rows: Record<string, unknown>[] }[];
  settings: { name: string; values: Record<string, unknown> }[];
  preferences: { name: string; result: PreferenceAccuracy }[];
  alpaca: (AlpacaEvalResult & { model: string })[];
  mtBench: (Pick<SingleScores, "models"> & Pick<PairScores, "pairs">)[];
  harness: TaskResult[][];
  annotations: Annotation[];
  recipe: RecipeResult | undefined;
}

const DEEPEST = 3;

/** Reads a run's folder. Throws an Error for a JSON file that cannot be read, naming it. */
export async function readRun(folder: string): Promise<RunContents> {
  const contents: RunContents = {
    logs: [],
    settings: [],
    preferences: [],
    alpaca: [],
    mtBench: [],
    harness: [],
    annotations: [],
    recipe: undefined,
  };
  for (const path of foldersIn(folder, DEEPEST)) {
    const name = relative(folder, path) || basename(resolve(folder));
    const log = join(path, "log_history.jsonl");
    if (existsSync(log)) contents.logs.push({ name, rows: await readLog(log) });
    const read = <T>(file: string): T | undefined => readJson<T>(join(path, file));
    const values = read<Record<string, unknown>>("hyperparameters.json");
    if (values) contents.settings.push({ name, values });
    const preferences = read<PreferenceAccuracy>(RESULT_FILES.preferences);
    if (preferences) contents.preferences.push({ name, result: preferences });
    const alpaca = read<AlpacaEvalResult & { model?: string }>(RESULT_FILES.alpaca);
    if (alpaca) contents.alpaca.push({ ...alpaca, model: alpaca.model ?? name });
    const mtBench = read<RunContents["mtBench"][number]>(RESULT_FILES.mtBench);
    if (mtBench) contents.mtBench.push(mtBench);
    const harness = read<{ results: TaskResult[] }>(RESULT_FILES.harness);
    if (harness) contents.harness.push(harness.results);
    contents.annotations.push(...(read<Annotation[]>("annotations.json") ?? []));
  }
  contents.recipe = readJson<RecipeResult>(join(folder, "result.json"));
  return contents;
}

function foldersIn(folder: string, depth: number): string[] {
  const below = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/^(checkpoint-\d+|tmp-checkpoint-.*|node_modules|\..*)$/.test(entry.name))
    .map((entry) => join(folder, entry.name))
    .sort();
  return [folder, ...(depth === 0 ? [] : below.flatMap((path) => foldersIn(path, depth - 1)))];
}

function readJson<T>(path: string): T | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch (cause) {
    throw new Error(`report: ${path} is not JSON (${(cause as Error).message}); remove it or write it again`, { cause });
  }
}
