import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type GenerationTask, gsm8k, type Parity, type Task, tasksByName } from "@zephyr/eval";
import { usageError } from "../errors/usage-error.ts";
import { checkInput } from "../rows/output-file.ts";
import { readList } from "./read-list.ts";

type Row = Record<string, unknown>;

export interface HarnessFlags {
  tasks: string[] | undefined;
  data: string | undefined;
  shotData: string | undefined;
  numFewshot: number | undefined;
  parity: Parity;
  limit: number | undefined;
}

interface TaskInput {
  rows: Row[];
  shotRows: Row[];
  parity: Parity;
  numFewshot?: number;
  limit?: number;
}

/** A published task with its rows: one whose answer is chosen, or one whose answer is written. */
export type HarnessTask = TaskInput & ({ choice: Task } | { written: GenerationTask });

/** The tasks that `--tasks` names, each with the rows of `--data` and `--shot-data` that are its own. */
export async function harnessTasks({ tasks = [], data, shotData, ...flags }: HarnessFlags): Promise<HarnessTask[]> {
  if (data === undefined) throw usageError("--data is missing; --tasks needs the rows of the evaluation split");
  const rowsOf = rowsByTask(data, "--data");
  const shotsOf = shotData === undefined ? async () => [] : rowsByTask(shotData, "--shot-data");
  const found: HarnessTask[] = [];
  for (const task of tasks.flatMap(named)) {
    const { name } = "choice" in task ? task.choice : task.written;
    found.push({
      ...task,
      rows: await rowsOf(name),
      shotRows: await shotsOf(name),
      parity: flags.parity,
      ...(flags.numFewshot !== undefined && { numFewshot: flags.numFewshot }),
      ...(flags.limit !== undefined && { limit: flags.limit }),
    });
  }
  return found;
}

function named(name: string): ({ choice: Task } | { written: GenerationTask })[] {
  if (name === gsm8k.name) return [{ written: gsm8k }];
  try {
    return tasksByName(name).map((choice) => ({ choice }));
  } catch (cause) {
    throw usageError(`${(cause as Error).message}; ${gsm8k.name} is there, too`, cause);
  }
}

/** Rows of a task: of the one file, or of the folder's file that bears the task's name. A file is read once. */
function rowsByTask(path: string, flag: string): (task: string) => Promise<Row[]> {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  if (!isFolder) checkInput(path, flag);
  const read = new Map<string, Promise<Row[]>>();
  return async (task) => {
    const file = isFolder ? fileOf(path, task, flag) : path;
    if (!read.has(file)) read.set(file, readList<Row>(file, flag));
    return ownRows(task, (await read.get(file))!, file);
  };
}

function fileOf(folder: string, task: string, flag: string): string {
  const names = readdirSync(folder).sort();
  const wanted = [task, task.replace(/^mmlu_.*/, "mmlu")];
  const found = wanted.flatMap((name) => names.filter((file) => file.startsWith(`${name}.`)))[0];
  if (found === undefined)
    throw usageError(`${flag} ${folder} holds no file for ${task}; name it ${wanted.at(-1)}.jsonl, .json or .parquet`);
  return join(folder, found);
}

/** A subject's rows of MMLU's "all" configuration, whose column `subject` tells them apart. */
function ownRows(task: string, rows: Row[], file: string): Row[] {
  const subject = /^mmlu_(.*)/.exec(task)?.[1];
  if (subject === undefined || !rows.some((row) => "subject" in row)) return rows;
  const own = rows.filter((row) => row["subject"] === subject);
  if (own.length === 0) throw usageError(`${file} has no row with subject "${subject}"; leave ${task} out, or give its rows`);
  return own;
}
