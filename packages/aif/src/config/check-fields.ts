/** A config that cannot be used; the command line turns it into exit code 2. */
export class ConfigError extends TypeError {
  readonly code = "EAIFCONFIG";

  constructor(message: string) {
    super(message);
    this.name = "ConfigError";
  }
}

/** How each field of an object is checked: returns what is wrong with it, or undefined. */
export type FieldChecks = Record<string, (value: unknown) => string | undefined>;

/** Throws a `ConfigError` for what is no object, for unknown fields (with the nearest known one) and for bad values. */
export function checkFields(
  value: unknown,
  checks: FieldChecks,
  required: readonly string[],
  where: string,
): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ConfigError(`${where} is ${shown(value)}; it must be an object`);
  for (const [key, field] of Object.entries(value)) {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
    if (check === undefined)
      throw new ConfigError(`${where}: unknown key ${JSON.stringify(key)}${suggestion(key, Object.keys(checks))}`);
    if (field === undefined) continue;
    const problem = check(field);
    if (problem !== undefined) throw new ConfigError(`${where}: ${key} is ${shown(field)}; it must be ${problem}`);
  }
  for (const key of required) {
    if ((value as Record<string, unknown>)[key] === undefined) throw new ConfigError(`${where}: ${key} is missing`);
  }
  return value as Record<string, unknown>;
}

export const isText = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? undefined : "a text");
export const isBoolean = (value: unknown): string | undefined => (typeof value === "boolean" ? undefined : "true or false");
export const isAnything = (): undefined => undefined;

/** A finite number from `least` (or above it). */
export function isNumber(least: number, { above = false, whole = false } = {}): (value: unknown) => string | undefined {
  const wanted = `a ${whole ? "whole " : ""}number ${above ? "above" : "from"} ${least}${above ? "" : " up"}`;
  return (value) => {
    const isGood =
      typeof value === "number" &&
      Number.isFinite(value) &&
      (above ? value > least : value >= least) &&
      (!whole || Number.isInteger(value));
    return isGood ? undefined : wanted;
  };
}

/** "; did you mean X?" for the nearest name, if one is near. */
export function suggestion(name: string, known: readonly string[]): string {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  if (best !== undefined && best.distance <= Math.max(2, Math.floor(best.candidate.length / 3)))
    return `; did you mean ${JSON.stringify(best.candidate)}?`;
  return `; known are ${known.join(", ")}`;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    previous = row;
  }
  return previous[b.length]!;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100);
}
