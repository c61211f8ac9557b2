import { nearest } from "../flags/nearest.ts";
import { badRequest } from "./api-error.ts";

type Body = Record<string, unknown>;

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "absent";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
};

/** An error about a field, with its value. */
export const wrongField = (name: string, value: unknown, expected: string) =>
  badRequest(name, `${name} is ${shown(value)}; give ${expected}`);

interface Bounds {
  min: number;
  max?: number;
  above?: boolean;
}

function inBounds(value: number, { min, max = Number.POSITIVE_INFINITY, above = false }: Bounds): boolean {
  return Number.isFinite(value) && value <= max && (above ? value > min : value >= min);
}

const range = ({ min, max, above }: Bounds): string =>
  `${above ? " above" : " from"} ${min}${max === undefined ? "" : ` to ${max}`}`;

/** A number, or undefined where it is absent or null. */
export function numberField(body: Body, name: string, bounds: Bounds): number | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined || (typeof value === "number" && inBounds(value, bounds))) return value;
  throw wrongField(name, value, `a number${range(bounds)}`);
}

/** A whole number, or undefined where it is absent or null. */
export function integerField(body: Body, name: string, bounds: Bounds): number | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined || (Number.isSafeInteger(value) && inBounds(value as number, bounds))) return value as number;
  throw wrongField(name, value, `a whole number${range(bounds)}`);
}

/** true or false; absent and null are false. */
export function booleanField(body: Body, name: string): boolean {
  const value = body[name] ?? false;
  if (typeof value === "boolean") return value;
  throw wrongField(name, value, "true or false");
}

/** Fields that change nothing about an answer and may be there. */
const WITHOUT_EFFECT = [
  "user",
  "metadata",
  "store",
  "service_tier",
  "safety_identifier",
  "prompt_cache_key",
  "parallel_tool_calls",
];

/** Fields that would change the answer, and the values that ask for nothing. */
const OFF: Record<string, (value: unknown) => boolean> = {
  frequency_penalty: (value) => value === 0,
  presence_penalty: (value) => value === 0,
  repetition_penalty: (value) => value === 1,
  min_p: (value) => value === 0,
  logit_bias: (value) => Object.keys(value as object).length === 0,
  tools: (value) => Array.isArray(value) && value.length === 0,
  tool_choice: (value) => value === "none" || value === "auto",
  response_format: (value) => (value as { type?: unknown }).type === "text",
  best_of: (value) => value === 1,
  suffix: (value) => value === "",
};

/** Refuses fields that would be ignored: unknown ones, and those that ask for something that is not there. */
export function refuseOtherFields(body: Body, known: readonly string[]): void {
  for (const [name, value] of Object.entries(body)) {
    if (known.includes(name) || WITHOUT_EFFECT.includes(name) || value === null) continue;
    const isOff = Object.hasOwn(OFF, name) ? OFF[name]! : undefined;
    if (isOff?.(value)) continue;
    if (isOff)
      throw badRequest(name, `${name} is ${shown(value)}, which is not supported; leave it out`, "unsupported_parameter");
    const found = nearest(name, known);
    const hint = found === undefined ? "leave it out" : `did you mean ${found}?`;
    throw badRequest(name, `unknown field ${shown(name)}; ${hint}`, "unknown_parameter");
  }
}
