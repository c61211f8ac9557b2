import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fetchChecked } from "../fetch-checked.ts";

/** One regularisation row: the baseline's verbose or concise variant against the baseline. */
export interface GamedRow {
  /** tanh of the standardised length difference. */
  tanhLength: number;
  difficulty: number;
  /** Share of the preference for the variant, 0 to 1. */
  target: number;
}

/** What the length-controlled win rate needs besides the annotations; it is AlpacaEval's (CC BY-NC 4.0), not ours to ship. */
export interface LengthControlData {
  /** Difficulty of each of the 805 instructions, in the order of the evaluation set. */
  difficulty: number[];
  gamed: GamedRow[];
}

const DIFFICULTY_FILES = ["instruction_difficulty.csv", "instruction_difficulty.json", "instruction_difficulty_recovered.json"];
const GAMED_FILES = ["df_gamed.csv", "df_gamed_reconstructed.csv"];

/** The data set that holds the original files (CC BY-NC 4.0), by revision, with the SHA-256 each must have. */
const SOURCE = "https://huggingface.co/datasets/tatsu-lab/alpaca_eval/resolve/2edc6fad8be6b14ea7230aabfd08188da6b8b814";
const ORIGINALS = [
  { name: "df_gamed.csv", sha256: "97aeec3f1c7de6dee6fd31fe66f1702623f4614c3efe1c6fc5f4927cd5fd674d" },
  { name: "instruction_difficulty.csv", sha256: "e28d875bb334f75e17acd1e4ed659b261860e3db379cf5de29060301bed0a18b" },
];

/** The commands that get the original files, for messages. */
export const LENGTH_CONTROL_SOURCE = ORIGINALS.map(({ name }) => `curl -L --create-dirs -o DIR/${name} ${SOURCE}/${name}`).join(
  " && ",
);

/** Brings AlpacaEval's original length-control files (CC BY-NC 4.0) into `folder`, checked by their SHA-256. */
export async function fetchLengthControlData(
  folder: string,
  { baseUrl = SOURCE, signal }: { baseUrl?: string; signal?: AbortSignal } = {},
): Promise<LengthControlData> {
  for (const { name, sha256 } of ORIGINALS)
    await fetchChecked({ url: `${baseUrl}/${name}`, target: join(folder, name), sha256 }, signal);
  return readLengthControlData(folder);
}

/** Whether `folder` holds files that `readLengthControlData` can read. */
export function hasLengthControlData(folder: string): boolean {
  return find(folder, DIFFICULTY_FILES) !== undefined && find(folder, GAMED_FILES) !== undefined;
}

/**
 * Reads instruction difficulties and regularisation rows from a folder with AlpacaEval's `instruction_difficulty.csv` and
 * `df_gamed.csv` (or re-derived files of the same content). Throws, naming the file, when one is absent or malformed.
 */
export function readLengthControlData(folder: string): LengthControlData {
  const difficultyFile = find(folder, DIFFICULTY_FILES);
  const gamedFile = find(folder, GAMED_FILES);
  if (!difficultyFile || !gamedFile)
    throw new Error(
      `readLengthControlData: ${folder} lacks ${difficultyFile ? GAMED_FILES.join(" or ") : DIFFICULTY_FILES.join(" or ")}; get them with: ${LENGTH_CONTROL_SOURCE}`,
    );
  return { difficulty: readDifficulty(difficultyFile), gamed: readGamed(gamedFile) };
}

function find(folder: string, names: readonly string[]): string | undefined {
  return names.map((name) => join(folder, name)).find((path) => existsSync(path));
}

function readDifficulty(path: string): number[] {
  const text = readFileSync(path, "utf8");
  const values: unknown = path.endsWith(".json")
    ? JSON.parse(text)
    : csvRows(text).map((row) => Number(row["instruction_difficulty"] ?? Object.values(row).at(-1)));
  if (
    !Array.isArray(values) ||
    values.length === 0 ||
    !values.every((value) => typeof value === "number" && Number.isFinite(value))
  )
    throw new Error(`readLengthControlData: ${path} is no list of numbers; fetch it again`);
  return values;
}

function readGamed(path: string): GamedRow[] {
  const rows = csvRows(readFileSync(path, "utf8"));
  const gamed = rows.map((row, i) => {
    const raw = row["tanh_std_delta_len"] ?? row["np.tanh(std_delta_len)"];
    const one = {
      tanhLength: raw === undefined ? Math.tanh(Number(row["std_delta_len"])) : Number(raw),
      difficulty: Number(row["instruction_difficulty"]),
      target: Number(row["preference"]),
    };
    if (!Object.values(one).every(Number.isFinite))
      throw new Error(
        `readLengthControlData: ${path}:${i + 2} lacks a number for length, difficulty or preference; fetch the file again`,
      );
    return one;
  });
  if (gamed.length === 0) throw new Error(`readLengthControlData: ${path} has no rows; fetch it again`);
  // AlpacaEval's own coding runs from 1 to 2.
  return gamed.some((row) => row.target > 1) ? gamed.map((row) => ({ ...row, target: row.target - 1 })) : gamed;
}

/** Plain CSV without quoted fields, as these files are. */
function csvRows(text: string): Record<string, string>[] {
  const [header = "", ...lines] = text.trim().split(/\r?\n/);
  const names = header.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((field, i) => [names[i] ?? String(i), field])));
}
