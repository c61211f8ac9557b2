/** Reads values of a file that anyone may have written: what is not of the kind asked for is as if it were not there. */

const LONGEST = 400;

export type Fields = Record<string, unknown>;

export const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;

export const numberOf = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

export const countOf = (value: unknown): number => Math.max(0, numberOf(value) ?? 0);

export const textOf = (value: unknown, longest: number = LONGEST): string =>
  typeof value !== "string" ? "" : value.length > longest ? `${value.slice(0, longest)}…` : value;
