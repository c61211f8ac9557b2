import { usageError } from "../errors/usage-error.ts";
import { didYouMean } from "./nearest.ts";

/** One flag of a command: how it is written, what it means, and how its text or config value becomes a `T`. */
export interface Flag<T> {
  help: string;
  /** What stands for the value in the help; undefined for a switch, which needs none. */
  placeholder: string | undefined;
  /** Takes all values up to the next flag. */
  list: boolean;
  /** May stand without its value. */
  optional?: boolean;
  fallback: T;
  /** What a config's `null` means; undefined: the default. */
  whenNull: T | undefined;
  required: boolean;
  /** `given` is the text of the command line (texts of a list), or a config's value; throws a usage error naming `name`. */
  parse(given: unknown, name: string): T;
}

/** A command's flags by their name in memory; `learningRate` is `--learning-rate` and `learning_rate`. */
export type FlagTable = Record<string, Flag<unknown>>;
export type FlagValues<T extends FlagTable> = { [K in keyof T]: T[K] extends Flag<infer V> ? V : never };

interface Described<D> {
  help: string;
  default?: D;
  whenNull?: D;
}

type OrMissing<T, O> = O extends { default: T } ? T : O extends { required: true } ? T : T | undefined;

function flag<T, O extends Described<T> & { required?: boolean }>(
  options: O,
  placeholder: string,
  parse: Flag<T>["parse"],
  list = false,
): Flag<OrMissing<T, O>> {
  const { help, required = false, whenNull } = options;
  return { help, placeholder, list, required, fallback: options.default, whenNull, parse } as Flag<unknown> as Flag<
    OrMissing<T, O>
  >;
}

const shown = (given: unknown): string => JSON.stringify(given) ?? String(given);
const bad = (name: string, given: unknown, expected: string) => usageError(`${name} is ${shown(given)}; give ${expected}`);

/** Any text: a path, a name. */
export function text<const O extends Described<string> & { required?: boolean; placeholder?: string }>(
  options: O,
): Flag<OrMissing<string, O>> {
  return flag<string, O>(options, options.placeholder ?? "TEXT", (given, name) => {
    if (typeof given === "string" && given !== "") return given;
    if (typeof given === "number") return String(given);
    throw bad(name, given, "a text");
  });
}

interface Bounds {
  min?: number;
  max?: number;
  /** The lower bound itself is refused. */
  above?: boolean;
}

function inBounds(value: number, { min = -Infinity, max = Infinity, above = false }: Bounds): boolean {
  return Number.isFinite(value) && value <= max && (above ? value > min : value >= min);
}

function boundsText(kind: string, { min, max, above = false }: Bounds): string {
  const lower = min === undefined ? "" : above ? ` above ${min}` : ` from ${min}`;
  return `${kind}${lower}${max === undefined ? "" : ` to ${max}`}`;
}

function toNumber(given: unknown): number {
  if (typeof given === "number") return given;
  return typeof given === "string" && given.trim() !== "" ? Number(given) : Number.NaN;
}

/** A finite number between bounds. */
export function number<const O extends Described<number> & Bounds & { required?: boolean }>(
  options: O,
): Flag<OrMissing<number, O>> {
  return flag<number, O>(options, "X", (given, name) => {
    const value = toNumber(given);
    if (inBounds(value, options)) return value;
    throw bad(name, given, boundsText("a number", options));
  });
}

/** A whole number between bounds. */
export function integer<const O extends Described<number> & Bounds & { required?: boolean }>(
  options: O,
): Flag<OrMissing<number, O>> {
  return flag<number, O>(options, "N", (given, name) => {
    const value = toNumber(given);
    if (Number.isSafeInteger(value) && inBounds(value, options)) return value;
    throw bad(name, given, boundsText("a whole number", options));
  });
}

/** One of a few words. */
export function choice<const C extends string, const O extends Described<C> & { choices: readonly C[]; required?: boolean }>(
  options: O,
): Flag<OrMissing<O["choices"][number], O>> {
  const { choices } = options;
  return flag<C, O>(options, choices.join("|"), (given, name) => {
    const found = choices.find((each) => each === given);
    if (found !== undefined) return found;
    throw bad(name, given, `one of ${choices.join(", ")}${didYouMean(String(given), choices)}`);
  }) as Flag<OrMissing<O["choices"][number], O>>;
}

/** Off unless given; `--name`, `--no-name`, `--name=false`. */
export function toggle({ help, default: fallback = false }: Described<boolean>): Flag<boolean> {
  const parse = (given: unknown, name: string): boolean => {
    const word = typeof given === "string" ? given.toLowerCase() : given;
    if (word === true || word === "true") return true;
    if (word === false || word === "false") return false;
    throw bad(name, given, "true or false");
  };
  return { help, placeholder: undefined, list: false, required: false, fallback, whenNull: undefined, parse };
}

/** A switch whose absence means something of its own: undefined unless given. */
export function openToggle(options: { help: string }): Flag<boolean | undefined> {
  return { ...toggle(options), fallback: undefined };
}

/** A switch that may name a file: undefined when not given, true without a value. */
export function optionalText({ help, placeholder }: { help: string; placeholder: string }): Flag<string | true | undefined> {
  const parse = (given: unknown, name: string): string | true | undefined => {
    if (given === false) return undefined;
    if (given === true || (typeof given === "string" && given !== "")) return given;
    throw bad(name, given, "a text, or nothing");
  };
  return {
    help,
    placeholder: `[${placeholder}]`,
    list: false,
    optional: true,
    required: false,
    fallback: undefined,
    whenNull: undefined,
    parse,
  };
}

/** Several texts: separated by commas, by spaces, or a list in a config. */
export function texts<const O extends Described<string[]> & { required?: boolean; placeholder?: string }>(
  options: O,
): Flag<OrMissing<string[], O>> {
  const parse = (given: unknown, name: string): string[] => {
    const parts = (Array.isArray(given) ? given : [given]).flatMap((part) => (typeof part === "string" ? part.split(",") : part));
    const trimmed = parts.map((part) => (typeof part === "string" ? part.trim() : part));
    if (trimmed.length > 0 && trimmed.every((part) => typeof part === "string" && part !== "")) return trimmed as string[];
    throw bad(name, given, "names separated by commas");
  };
  return flag<string[], O>(options, options.placeholder ?? "A,B", parse, true);
}

/** Several numbers: separated by commas, by spaces, or a list in a config. */
export function numbers<const O extends Described<number[]> & { required?: boolean }>(options: O): Flag<OrMissing<number[], O>> {
  const parse = (given: unknown, name: string): number[] => {
    const parts = (Array.isArray(given) ? given : [given]).flatMap((part) => (typeof part === "string" ? part.split(",") : part));
    const values = parts.map(toNumber);
    if (values.length > 0 && values.every(Number.isFinite)) return values;
    throw bad(name, given, "numbers separated by commas");
  };
  return flag<number[], O>(options, "X,Y", parse, true);
}

/** Named numbers: JSON on the command line, a mapping in a config. */
export function settings<const O extends Described<Record<string, number>>>(
  options: O,
): Flag<OrMissing<Record<string, number>, O>> {
  return flag<Record<string, number>, O>(options, "JSON", (given, name) => {
    const value = typeof given === "string" ? parsedJson(given) : given;
    const isMapping = typeof value === "object" && value !== null && !Array.isArray(value);
    if (isMapping && Object.values(value).every(Number.isFinite)) return value as Record<string, number>;
    throw bad(name, given, "named numbers, such as '{\"min_lr\": 1e-6}'");
  });
}

function parsedJson(given: string): unknown {
  try {
    return JSON.parse(given);
  } catch {
    return undefined;
  }
}
