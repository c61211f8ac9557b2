import { usageError } from "../errors/usage-error.ts";
import type { Flag, FlagTable, FlagValues } from "./flag.ts";
import { text, toggle } from "./flag.ts";
import { didYouMean } from "./nearest.ts";
import { ELSEWHERE, kebab, namesBy, snake } from "./spelling.ts";

/** Flags that every command has. */
export const commonFlags = {
  config: text({ help: "flags from a YAML or JSON file, in snake_case; a flag wins over the file", placeholder: "FILE" }),
  json: toggle({ help: "print one JSON object on stdout, and nothing else there" }),
  debug: toggle({ help: "show stack traces" }),
};

/** A command line taken apart: texts by flag, and what is no flag. */
export interface Arguments {
  given: Map<string, unknown>;
  positionals: string[];
}

const WORDS = new Set(["true", "false", "True", "False"]);
const isFlag = (argument: string | undefined): boolean => argument?.startsWith("--") === true && argument !== "--";

/**
 * Takes `argv` apart by a table of flags. Throws a usage error for a flag that is not in it, with the nearest one that is, for one
 * without its value, and for one given twice.
 */
export function readArguments(argv: readonly string[], table: FlagTable): Arguments {
  const names = namesBy(table, kebab);
  const given = new Map<string, unknown>();
  const positionals: string[] = [];
  for (let at = 0; at < argv.length; ) {
    const argument = argv[at++]!;
    if (!argument.startsWith("-") || argument === "-") {
      positionals.push(argument);
      continue;
    }
    const [written, attached] = splitAtEquals(argument);
    const { name, negated } = flagNamed(written, names, table);
    const flag = table[name]!;
    if (given.has(name)) throw usageError(`${written} is given twice; give it once`);
    if (negated) {
      given.set(name, false);
    } else if (attached !== undefined) {
      given.set(name, flag.list ? [attached] : attached);
    } else if (flag.placeholder === undefined) {
      given.set(name, WORDS.has(argv[at] ?? "") ? argv[at++] : true);
    } else {
      const values = valuesAt(argv, at, flag);
      if (values.length === 0 && !flag.optional)
        throw usageError(`${written} has no value; write ${written} ${flag.placeholder}`);
      at += values.length;
      given.set(name, flag.list ? values : (values[0] ?? true));
    }
  }
  return { given, positionals };
}

function splitAtEquals(argument: string): [string, string | undefined] {
  const equals = argument.indexOf("=");
  return equals < 0 ? [argument, undefined] : [argument.slice(0, equals), argument.slice(equals + 1)];
}

function valuesAt(argv: readonly string[], at: number, flag: Flag<unknown>): string[] {
  if (isFlag(argv[at]) || argv[at] === undefined) return [];
  if (!flag.list) return [argv[at]];
  const end = argv.findIndex((argument, index) => index >= at && isFlag(argument));
  return argv.slice(at, end < 0 ? undefined : end);
}

function flagNamed(written: string, names: Map<string, string>, table: FlagTable): { name: string; negated: boolean } {
  const spelled = written.startsWith("--") ? written.slice(2).replaceAll("_", "-") : written;
  const found = names.get(spelled);
  if (found !== undefined) return { name: found, negated: false };
  const positive = spelled.startsWith("no-") ? names.get(spelled.slice(3)) : undefined;
  if (positive !== undefined && table[positive]!.placeholder === undefined) return { name: positive, negated: true };
  const elsewhere = ELSEWHERE.get(spelled.replaceAll("-", "_"))?.replaceAll("_", "-");
  const hint =
    elsewhere !== undefined && names.has(elsewhere)
      ? ` (it is called --${elsewhere} here)`
      : didYouMean(spelled.replace(/^-+/, ""), [...names.keys()], (name) => `--${name}`);
  throw usageError(`unknown flag ${written}${hint}`);
}

/**
 * Values of a config file by flag; keys are snake_case. Throws a usage error for one that no flag has, unless `others` takes them.
 */
export function readConfig(config: Record<string, unknown>, file: string, table: FlagTable, others?: Record<string, unknown>) {
  const names = namesBy(table, snake);
  const given = new Map<string, unknown>();
  for (const [key, value] of Object.entries(config)) {
    const name = names.get(key);
    if (name !== undefined && name in commonFlags)
      throw usageError(`${key} in ${file} cannot be set by a file; give it as a flag`);
    if (name !== undefined) {
      // YAML's `key:` without a value, as in Hugging Face's own files, mostly leaves the default.
      const { whenNull } = table[name]!;
      if (value !== null) given.set(name, value);
      else if (whenNull !== undefined) given.set(name, whenNull);
    } else if (others) others[key] = value;
    else {
      const elsewhere = ELSEWHERE.get(key);
      const hint =
        elsewhere !== undefined && names.has(elsewhere)
          ? ` (it is called ${elsewhere} here)`
          : didYouMean(key, [...names.keys()]);
      throw usageError(`unknown key ${JSON.stringify(key)} in ${file}${hint}`);
    }
  }
  return given;
}

/** The typed values of all flags: the command line's, else the config's, else the defaults. Throws a usage error for a bad or missing one. */
export function flagValues<T extends FlagTable>(
  table: T,
  given: ReadonlyMap<string, unknown>,
  config: ReadonlyMap<string, unknown> = new Map(),
): FlagValues<T> {
  const entries = Object.entries(table).map(([name, flag]) => {
    if (given.has(name)) return [name, flag.parse(given.get(name), `--${kebab(name)}`)];
    if (config.has(name)) return [name, flag.parse(config.get(name), snake(name))];
    if (flag.required) throw usageError(`--${kebab(name)} is missing; write --${kebab(name)} ${flag.placeholder}`);
    return [name, flag.fallback];
  });
  return Object.fromEntries(entries) as FlagValues<T>;
}
