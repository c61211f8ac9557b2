import { type OptionExpression, option } from "./arithmetic/expression.ts";

/** A numeric option: its default and the interval it must lie in. */
export interface OptionRange {
  readonly default: number;
  /** Smallest value allowed. */
  readonly from?: number;
  /** The value must be greater than this. */
  readonly above?: number;
  /** The value must be less than this. */
  readonly below?: number;
  /** Largest value allowed. */
  readonly to?: number;
}

/** The strength β of the KL term; TRL's default is 0.1. */
export const betaOption: OptionRange = { default: 0.1, above: 0 };

/** A label-flip probability; 0 (TRL's default) trusts the labels. */
export const smoothingOption: OptionRange = { default: 0, from: 0, below: 1 };

/**
 * Options that TRL's configurations hand to every loss, with the value at which they change nothing. A loss that does
 * not take one accepts it at this value, so that one set of settings serves all losses, and refuses any other.
 */
const NEUTRAL: Readonly<Record<string, unknown>> = {
  labelSmoothing: 0,
  fDivergenceType: "reverse_kl",
  fAlphaDivergenceCoef: 0.5,
  discopopTau: 0.05,
  simpoGamma: 0.5,
  alpha: 0,
  cpoAlpha: 0,
  sftWeight: 0,
  desirableWeight: 1,
  undesirableWeight: 1,
};

/**
 * Checked numeric options of a loss, as expressions.
 *
 * Throws TypeError on an option that `loss` does not take and on a value that is no number, RangeError on one outside
 * its interval. `alsoTaken` are options that the caller reads itself. `undefined` and `null` count as not given.
 */
export function readOptions<Name extends string>(
  loss: string,
  given: object,
  ranges: Readonly<Record<Name, OptionRange>>,
  alsoTaken: readonly string[] = [],
): Record<Name, OptionExpression> {
  const values = new Map(Object.entries(given).filter(([, value]) => value !== undefined && value !== null));
  const taken = [...Object.keys(ranges), ...alsoTaken];
  for (const [name, value] of values) {
    if (taken.includes(name) || (name in NEUTRAL && NEUTRAL[name] === value)) continue;
    const effect = name in NEUTRAL ? `has no effect on this loss at ${JSON.stringify(value)}` : "is unknown";
    const message = `${loss}: option ${name} ${effect}; this loss takes ${taken.join(", ")}${suggestion(name, taken)}`;
    throw Object.assign(new TypeError(message), { code: "LOSS_OPTION_UNKNOWN" });
  }
  const read = {} as Record<Name, OptionExpression>;
  for (const name of Object.keys(ranges) as Name[]) {
    const value = values.has(name) ? values.get(name) : ranges[name].default;
    read[name] = option(name, checkRange(loss, name, value, ranges[name]));
  }
  return read;
}

function checkRange(loss: string, name: string, value: unknown, range: OptionRange): number {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw optionError(
      TypeError,
      `${loss}: ${name} is ${typeof value === "string" ? `"${value}"` : String(value)}; must be a finite number`,
    );
  }
  const rules: [boolean, string][] = [
    [value >= (range.from ?? -Infinity), `at least ${range.from}`],
    [value > (range.above ?? -Infinity), `above ${range.above}`],
    [value < (range.below ?? Infinity), `below ${range.below}`],
    [value <= (range.to ?? Infinity), `at most ${range.to}`],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken) throw optionError(RangeError, `${loss}: ${name} is ${value}; must be ${broken[1]}`);
  return value;
}

/** `value` when it is one of `choices`; throws TypeError naming the nearest choice otherwise. */
export function readChoice<Choice extends string>(
  loss: string,
  name: string,
  value: unknown,
  choices: readonly Choice[],
): Choice {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  const message = `${loss}: ${name} is ${JSON.stringify(value)}; must be one of ${choices.join(", ")}${suggestion(String(value), choices)}`;
  throw optionError(TypeError, message);
}

export function optionError(kind: typeof TypeError | typeof RangeError, message: string): Error {
  return Object.assign(new kind(message), { code: "LOSS_OPTION" });
}

/** `; did you mean "x"?` for the name nearest to `given`, or nothing when none is near. */
export function suggestion(given: string, names: readonly string[]): string {
  const ranked = names
    .map((name) => ({ name, edits: editDistance(given.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  const nearest = ranked[0];
  return nearest !== undefined && nearest.edits <= Math.max(2, nearest.name.length / 2)
    ? `; did you mean "${nearest.name}"?`
    : "";
}

/** Levenshtein distance between two short names. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substituted = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substituted, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
