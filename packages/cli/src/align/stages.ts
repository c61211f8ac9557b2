import { createHash } from "node:crypto";
import type { Command } from "../commands/command.ts";
import { findCommand } from "../commands/find-command.ts";
import { usageError } from "../errors/usage-error.ts";
import { flagValues, readConfig } from "../flags/read-arguments.ts";

/** One stage of a recipe, ready to run. */
export interface Stage {
  name: string;
  /** The command as it is typed. */
  words: string;
  command: Command;
  positionals: string[];
  /** The stage's settings by flag. */
  given: Map<string, unknown>;
  /** Keys that are no flags: models and judge. */
  config: Record<string, unknown>;
  /** SHA-256 over command and settings. */
  fingerprint: string;
}

/** A recipe: the folder of the run, and what is done in it. */
export interface Recipe {
  run: string;
  stages: Stage[];
}

/**
 * Checks a recipe `{run, stages: [{name?, command, ...flags in snake_case}]}`; `{run}` in a value stands for the run's folder. Throws a
 * usage error for a stage that could not be run, before any is.
 */
export async function readRecipe(config: Record<string, unknown>, file: string): Promise<Recipe> {
  const { run, stages, ...others } = config;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw usageError(`unknown key ${JSON.stringify(unknown)} in ${file}; a recipe has run and stages`);
  if (typeof run !== "string" || run === "")
    throw usageError(`${file} names no run; add the folder that everything is written to`);
  if (!Array.isArray(stages) || stages.length === 0)
    throw usageError(`${file} has no stages; list at least one, each with a command`);
  const read: Stage[] = [];
  for (const [i, stage] of stages.entries()) read.push(await readStage(stage, `${file}: stage ${i + 1}`, run));
  const repeated = read.find(({ name }, i) => read.findIndex((other) => other.name === name) < i);
  if (repeated) throw usageError(`${file} has two stages called ${repeated.name}; give each a name of its own`);
  return { run, stages: read };
}

async function readStage(value: unknown, place: string, run: string): Promise<Stage> {
  const {
    name,
    command: words,
    path,
    ...settings
  } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  if (typeof words !== "string") throw usageError(`${place} has no command; give the name of one, such as sft`);
  const { command, rest } = await findCommand(words.split(" "));
  if (rest.length > 0 || words === "align") throw usageError(`${place}: ${JSON.stringify(words)} is no command of a stage`);
  const placed = inRun(settings, run) as Record<string, unknown>;
  const config: Record<string, unknown> = {};
  const given = readConfig(placed, place, command.flags, command.ownConfig ? config : undefined);
  const positionals = path === undefined ? [] : [String(inRun(path, run))];
  if (positionals.length !== (command.arguments ?? []).length)
    throw usageError(`${place}: ${words} takes ${(command.arguments ?? []).length} path; give it as path`);
  flagValues(command.flags, given);
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([words, placed, positionals]))
    .digest("hex");
  return { name: typeof name === "string" ? name : words, words, command, positionals, given, config, fingerprint };
}

/** `{run}` in every text of a value, replaced. */
function inRun(value: unknown, run: string): unknown {
  if (typeof value === "string") return value.replaceAll("{run}", run);
  if (Array.isArray(value)) return value.map((part) => inRun(part, run));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, inRun(part, run)]));
}
