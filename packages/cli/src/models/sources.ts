import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { downloadDataset, downloadModel, fileFingerprint, type Rows, readRows, type UntypedRow } from "@zephyr/data";
import { usageError } from "../errors/usage-error.ts";

const HUB_ID = /^[\w.-]+\/[\w.-]+$/;

/** The folder of a model: a path, or a Hub id that is downloaded once. Throws a usage error for what is neither. */
export async function modelFolder(given: string, flag: string): Promise<string> {
  const found = await stat(given).catch(() => undefined);
  if (found?.isDirectory()) return checkedFolder(given, flag);
  if (found) throw usageError(`${flag} ${given} is a file; give the folder of a model`);
  if (!HUB_ID.test(given))
    throw usageError(`${flag} ${given} does not exist; give a model folder or an id such as mistralai/Mistral-7B-v0.1`);
  return downloadModel(given);
}

function checkedFolder(folder: string, flag: string): string {
  if (existsSync(join(folder, "config.json"))) return folder;
  const advice = existsSync(join(folder, "adapter_config.json"))
    ? "it holds an adapter: give its base model here and this folder as the adapter, or merge them"
    : "give a model folder, or wait until the model there is wholly saved";
  throw usageError(`${flag} ${folder} has no config.json; ${advice}`);
}

/** Rows of one file or of a data set on the Hub. */
export interface DataSource {
  paths: string[];
  rows: Rows<UntypedRow>;
  /** SHA-256 over the files' contents. */
  fingerprint(): Promise<string>;
}

/** Rows of a path or a Hub id. Throws a usage error for what is neither, or a file whose ending says nothing. */
export async function dataSource(given: string, flag: string, split: string): Promise<DataSource> {
  const paths = await dataPaths(given, flag, split);
  return {
    paths,
    rows: readRows(paths),
    fingerprint: async () => (await Promise.all(paths.map(fileFingerprint))).join(" "),
  };
}

async function dataPaths(given: string, flag: string, split: string): Promise<string[]> {
  if (existsSync(given)) {
    if ((await stat(given)).isDirectory()) throw usageError(`${flag} ${given} is a folder; give a file of rows`);
    return [given];
  }
  if (!HUB_ID.test(given) || /\.(jsonl?|ndjson|parquet|gz|zst)$/.test(given)) {
    throw usageError(`${flag} ${given} does not exist; give a file, or an id such as HuggingFaceH4/ultrachat_200k`);
  }
  return downloadDataset(given, { split });
}
