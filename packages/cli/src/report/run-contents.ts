import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { collectRows, readRows } from "@zephyr/data";
import type {
  AlpacaEvalResult,
  Annotation,
  Comparison,
  JudgeAgreement,
  JudgeAudit,
  ModelAnswer,
  MtBenchSamplesInput,
  PairScores,
  PreferenceAccuracy,
  RatingAgreement,
  ScoreDifference,
  SingleScores,
  TaskResult,
} from "@zephyr/eval";
import { readLog } from "@zephyr/train-webgpu";
import { MT_BENCH_FILES, RESULT_FILES } from "../evaluation/result-folder.ts";

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

/** How a judge behaved, where the evaluation could tell. */
interface Judged {
  /** The folder's name. */
  name: string;
  audit?: JudgeAudit;
  agreement?: JudgeAgreement | RatingAgreement;
}

/** Everything in a run's folder (and the folders below it) that a report can show; names are the folders'. */
export interface RunContents {
  logs: { name: string; rows: Record<string, unknown>[] }[];
  settings: { name: string; values: Record<string, unknown> }[];
  preferences: { name: string; result: PreferenceAccuracy }[];
  alpaca: (AlpacaEvalResult & Judged & { model: string; ci?: [number, number] })[];
  mtBench: (Pick<SingleScores, "models"> & Pick<PairScores, "pairs"> & Judged & { difference?: ScoreDifference })[];
  /** What MT-Bench's judges were asked and said, of all folders together. */
  judged: Required<MtBenchSamplesInput>;
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
    judged: { judgments: [], questions: [], answers: [] },
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
    const alpaca = read<RunContents["alpaca"][number]>(RESULT_FILES.alpaca);
    if (alpaca) contents.alpaca.push({ ...alpaca, name, model: alpaca.model ?? name });
    const mtBench = read<RunContents["mtBench"][number]>(RESULT_FILES.mtBench);
    if (mtBench) {
      contents.mtBench.push({ ...mtBench, name });
      contents.judged = joined(contents.judged, await readJudged(path));
    }
    const harness = read<{ results: TaskResult[] }>(RESULT_FILES.harness);
    if (harness) contents.harness.push(harness.results);
    contents.annotations.push(...(read<Annotation[]>("annotations.json") ?? []));
  }
  contents.recipe = readJson<RecipeResult>(join(folder, "result.json"));
  return contents;
}

const joined = (one: RunContents["judged"], other: RunContents["judged"]): RunContents["judged"] => ({
  judgments: [...one.judgments, ...other.judgments],
  questions: [...one.questions, ...other.questions],
  answers: [...one.answers, ...other.answers],
});

async function readJudged(folder: string): Promise<RunContents["judged"]> {
  const list = async <T extends object>(file: string): Promise<T[]> => {
    const path = join(folder, file);
    return existsSync(path) ? collectRows(readRows<T>(path)) : [];
  };
  return {
    judgments: await list(MT_BENCH_FILES.judgments),
    questions: await list(MT_BENCH_FILES.questions),
    answers: [...(await localAnswers(folder)), ...(await list<ModelAnswer>(MT_BENCH_FILES.answers))],
  };
}

/** Answers that a local model gave during the evaluation. */
async function localAnswers(folder: string): Promise<ModelAnswer[]> {
  const own = join(folder, "model_answer");
  if (!existsSync(own)) return [];
  const files = readdirSync(own).filter((name) => name.endsWith(".jsonl"));
  return (await Promise.all(files.map((name) => collectRows(readRows<ModelAnswer>(join(own, name)))))).flat();
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
