import { existsSync, readdirSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { LOG_FILE } from "@zephyr/train-webgpu";

const DEEPEST = 3;
const MOST_RUNS = 48;
const SKIPPED = /^(checkpoint-\d+|tmp-checkpoint-.*|prepared|node_modules|\..*)$/;

/** A folder that holds a log, or will. */
export interface FoundRun {
  name: string;
  folder: string;
}

/**
 * The runs in some folders and the folders below them; a folder without any is itself a run that has not begun. At most 48, since nobody
 * tells more curves apart.
 */
export function findRuns(folders: readonly string[]): FoundRun[] {
  const names = new Map(folders.map((folder) => [folder, basename(resolve(folder))]));
  const isUnique = new Set(names.values()).size === names.size;
  return folders
    .flatMap((folder) => {
      const name = isUnique ? names.get(folder)! : folder;
      const nameOf = (path: string): string => {
        const inside = relative(folder, path);
        return folders.length > 1 || inside === "" ? join(name, inside) : inside;
      };
      const below = withLog(folder, DEEPEST).map((path) => ({ name: nameOf(path), folder: path }));
      return below.length > 0 ? below : [{ name, folder }];
    })
    .slice(0, MOST_RUNS);
}

function withLog(folder: string, depth: number): string[] {
  const own = existsSync(join(folder, LOG_FILE)) ? [folder] : [];
  if (depth === 0) return own;
  const below = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !SKIPPED.test(entry.name))
    .map((entry) => join(folder, entry.name))
    .sort();
  return [...own, ...below.flatMap((path) => withLog(path, depth - 1))];
}
