import type { Row } from "./thinned-rows.ts";

const MOST_METRICS = 200;
const LONGEST_NAME = 100;

/** The finite numbers of a line of a log; undefined for a line that is no object with a step. */
export function logRow(line: string): Row | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const numbers = Object.entries(json).filter(
    (entry): entry is [string, number] => Number.isFinite(entry[1]) && entry[0].length <= LONGEST_NAME,
  );
  const row = Object.assign(Object.create(null), Object.fromEntries(numbers.slice(0, MOST_METRICS))) as Row;
  return Number.isSafeInteger(row.step) && row.step >= 0 ? row : undefined;
}
