import { readFileSync, writeFileSync } from "node:fs";

/** The rows of a JSONL file. */
export const rows = (path: string) =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

/** Writes rows as a JSONL file, and gives its path. */
export function write(path: string, list: readonly object[]): string {
  writeFileSync(path, list.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}
