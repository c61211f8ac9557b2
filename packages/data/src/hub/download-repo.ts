import { builtin } from "../files/node-builtins.ts";
import { readRows } from "../files/read-rows.ts";
import type { Rows, UntypedRow } from "../rows.ts";
import { downloadBlob } from "./download-blob.ts";
import { fileAddress, type HubFile, hubError, listHubFiles, resolveCommit } from "./hub-api.ts";
import { type RepoCache, repoCache } from "./hub-cache.ts";
import { checkFileName, type HubRepo, hubRepo } from "./hub-names.ts";

export interface DownloadModelOptions {
  /** Branch, tag or commit; "main" by default. */
  revision?: string;
}

/** Which part of a data set is downloaded, and from where. */
export interface HubDatasetOptions extends DownloadModelOptions {
  /** Only files whose path names this split, such as "train_sft". */
  split?: string;
}

const MODEL_FILE = /^[^/]*\.(safetensors|json|jinja|model|txt)$/;
const DATA_ENDINGS = [/\.parquet$/, /\.(jsonl|ndjson)(\.gz|\.zst)?$/, /\.json(\.gz|\.zst)?$/];

/** Fetches the chosen files of a repository into the cache; returns the snapshot folder and their paths in it. */
async function downloadFiles(
  repo: HubRepo,
  choose: (files: HubFile[]) => HubFile[],
  caller: string,
): Promise<{ folder: string; paths: string[] }> {
  const cache = repoCache(repo, caller);
  if (globalThis.process.env["HF_HUB_OFFLINE"] === "1") return cachedFiles(repo, cache, choose, caller);
  let commit: string;
  let files: HubFile[];
  try {
    commit = await resolveCommit(repo);
    files = await listHubFiles(repo, commit);
  } catch (cause) {
    throw hubError(repo, cause, caller);
  }
  for (const { path } of files) checkFileName(path, caller);
  const { promises: fs } = builtin("node:fs", caller);
  const paths: string[] = [];
  for (const file of choose(files)) {
    const blob = cache.blob(file.checksum);
    if ((await fs.stat(blob).catch(() => undefined))?.size !== file.size)
      await downloadBlob(fileAddress(repo, commit, file.path), blob, file, caller);
    paths.push(await cache.link(commit, file.path, file.checksum));
  }
  await cache.rememberCommit(commit);
  return { folder: cache.snapshot(commit), paths };
}

/** What an earlier run left in the cache. */
async function cachedFiles(
  repo: HubRepo,
  cache: RepoCache,
  choose: (files: HubFile[]) => HubFile[],
  caller: string,
): Promise<{ folder: string; paths: string[] }> {
  const { join, relative, sep } = builtin("node:path", caller);
  const commit = await cache.knownCommit();
  const folder = cache.snapshot(commit ?? "unknown");
  const entries = await builtin("node:fs", caller)
    .promises.readdir(folder, { recursive: true, withFileTypes: true })
    .catch(() => []);
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => ({
      path: relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"),
      size: 0,
      checksum: "",
      large: false,
    }));
  if (files.length === 0) {
    throw new Error(
      `${caller}: ${repo.type} ${repo.id} at ${repo.revision} is not in the cache, and HF_HUB_OFFLINE is 1; unset it and run again`,
    );
  }
  return { folder, paths: choose(files).map(({ path }) => join(folder, path)) };
}

/**
 * Fetches a model (weights, configuration, tokenizer) from the Hub, and returns its folder in the cache that Python shares. A cut
 * download goes on where it stopped; files there already are not fetched again.
 *
 * @throws Error with `code` "HUB_NOT_FOUND", "HUB_UNAUTHORIZED" or "HUB_UNREACHABLE".
 * @example
 * const tokenizer = await loadTokenizer(await downloadModel("HuggingFaceH4/zephyr-7b-beta"));
 */
export async function downloadModel(id: string, { revision = "main" }: DownloadModelOptions = {}): Promise<string> {
  const caller = "downloadModel";
  const repo = hubRepo("model", id, revision, caller);
  const { folder } = await downloadFiles(repo, (files) => files.filter(({ path }) => MODEL_FILE.test(path)), caller);
  return folder;
}

/**
 * Fetches the data files of a dataset (Parquet, else JSON Lines, else JSON) and returns their paths in order.
 *
 * @throws Error naming the files there are when none belongs to the split.
 */
export async function downloadDataset(id: string, { revision = "main", split }: HubDatasetOptions = {}): Promise<string[]> {
  const caller = "downloadDataset";
  const repo = hubRepo("dataset", id, revision, caller);
  const { paths } = await downloadFiles(repo, (files) => dataFiles(files, split, repo, caller), caller);
  return paths;
}

function dataFiles(files: HubFile[], split: string | undefined, repo: HubRepo, caller: string): HubFile[] {
  const named =
    split === undefined
      ? files
      : files.filter(({ path }) => path.split(/[/.]|-(?=\d|of)/).includes(split) || path.split(/[/.-]/).includes(split));
  for (const ending of DATA_ENDINGS) {
    const found = named.filter(({ path }) => ending.test(path) && !/(^|\/)(dataset_infos|config|package)\.json$/.test(path));
    if (found.length > 0) return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  }
  const there = files
    .map(({ path }) => path)
    .slice(0, 12)
    .join(", ");
  throw new Error(
    `${caller}: dataset ${repo.id} at ${repo.revision} has no data file${split === undefined ? "" : ` of split "${split}"`}; its files: ${there || "none"}`,
  );
}

/**
 * Rows of a Hub dataset by id, fetched into the cache when first iterated.
 *
 * @example
 * const rows = readHubRows<PreferenceRow>("HuggingFaceH4/ultrafeedback_binarized", { split: "train_prefs" });
 */
export function readHubRows<R extends object = UntypedRow>(id: string, options: HubDatasetOptions = {}): Rows<R> {
  let paths: Promise<string[]> | undefined;
  return {
    async *[Symbol.asyncIterator]() {
      paths ??= downloadDataset(id, options);
      yield* readRows<R>(await paths);
    },
  };
}
