import { formatError, quote } from "../format-error.ts";
import type { JsonObject } from "../json/strict-json.ts";

/** Larger than any real model's sizes, and small enough that two of them multiply exactly. */
const MAX_SIZE = 2 ** 24;

/** Reads typed fields of a configuration; null counts as absent, an absent field without fallback is an error. */
export function fieldReader(json: JsonObject, prefix = "") {
  const fail = (field: string, expected: string) => {
    const given = quote(JSON.stringify(json[field]) ?? "absent");
    return formatError("ERR_MODEL_CONFIG", `parseModelConfig: ${prefix}${field} is ${given}; it must be ${expected}`);
  };
  const orFallback = (field: string, fallback: unknown) => json[field] ?? fallback;

  return {
    fail,
    /** A whole number from 1 to `max`. */
    size(field: string, { fallback, max = MAX_SIZE }: { fallback?: number; max?: number } = {}): number {
      const value = orFallback(field, fallback);
      if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max) return value;
      throw fail(field, `a whole number from 1 to ${max}`);
    },
    /** A finite number above 0. */
    positive(field: string, fallback?: number): number {
      const value = orFallback(field, fallback);
      if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
      throw fail(field, "a finite number above 0");
    },
    flag(field: string, fallback: boolean): boolean {
      const value = orFallback(field, fallback);
      if (typeof value === "boolean") return value;
      throw fail(field, "true or false");
    },
    /** A token id or a list of them; an explicit null means none, also where there is a fallback. */
    tokenIds(field: string, fallback: number | undefined): number[] {
      const value = json[field] === undefined ? fallback : json[field];
      if (value === undefined || value === null) return [];
      const ids: unknown[] = Array.isArray(value) ? value : [value];
      // Some old files write "no padding" as -1.
      if (field === "pad_token_id" && ids.length === 1 && ids[0] === -1) return [];
      if (ids.every((id): id is number => typeof id === "number" && Number.isInteger(id) && id >= 0 && id < MAX_SIZE)) return ids;
      throw fail(field, "a token id or a list of them");
    },
  };
}
