import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { PROGRESS_SUFFIX } from "@zephyr/aif";
import { LOG_FILE } from "@zephyr/train-webgpu";
import { RECIPE_PROGRESS_FILE } from "../align/recipe-progress.ts";

const DEEPEST = 3;
const MOST = 48;
const SKIPPED = /^(checkpoint-\d+|tmp-checkpoint-.*|prepared|node_modules|.*\.journal|\..*)$/;

/** Something to watch, by the name that the page gives it. */
export interface Found {
  name: string;
  path: string;
}

/** What there is to watch; each list holds at most 48, since nobody tells more apart. */
export interface FoundSources {
  /** Folders that hold the log of a training run, or will. */
  runs: Found[];
  /** Progress files of `complete`, `rate` and `generate-dialogues`. */
  feedback: Found[];
  /** Progress files of `align`. */
  recipes: Found[];
}

/**
 * What is under way, or was, in some folders and the folders below them. A folder without any is itself a run that has not begun; a file
 * is the output of a feedback job.
 */
export function findSources(given: readonly string[]): FoundSources {
  const names = new Map(given.map((path) => [path, basename(resolve(path))]));
  const isUnique = new Set(names.values()).size === names.size;
  const sources: FoundSources = { runs: [], feedback: [], recipes: [] };
  for (const root of given) {
    const name = isUnique ? names.get(root)! : root;
    if (!existsSync(root) || !statSync(root).isDirectory()) {
      sources.feedback.push({ name, path: root + PROGRESS_SUFFIX });
      continue;
    }
    const nameOf = (path: string): string => {
      const inside = relative(root, path);
      return given.length > 1 || inside === "" ? join(name, inside) : inside;
    };
    const below = withSources(root, DEEPEST);
    for (const kind of ["runs", "feedback", "recipes"] as const)
      sources[kind].push(...below[kind].map(({ path, shown }) => ({ name: nameOf(shown), path })));
    if (Object.values(below).every(({ length }) => length === 0)) sources.runs.push({ name, path: root });
  }
  const { runs, feedback, recipes } = sources;
  return { runs: runs.slice(0, MOST), feedback: feedback.slice(0, MOST), recipes: recipes.slice(0, MOST) };
}

type Below = Record<keyof FoundSources, { path: string; shown: string }[]>;

function withSources(folder: string, depth: number): Below {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  const found: Below = { runs: [], feedback: [], recipes: [] };
  for (const { name } of entries.filter((entry) => entry.isFile())) {
    const path = join(folder, name);
    if (name === LOG_FILE) found.runs.push({ path: folder, shown: folder });
    else if (name === RECIPE_PROGRESS_FILE) found.recipes.push({ path, shown: folder });
    else if (name.endsWith(PROGRESS_SUFFIX) && name !== PROGRESS_SUFFIX)
      found.feedback.push({ path, shown: path.slice(0, -PROGRESS_SUFFIX.length) });
  }
  if (depth === 0) return found;
  for (const { name } of entries.filter((entry) => entry.isDirectory() && !SKIPPED.test(entry.name))) {
    const below = withSources(join(folder, name), depth - 1);
    for (const kind of ["runs", "feedback", "recipes"] as const) found[kind].push(...below[kind]);
  }
  return found;
}
