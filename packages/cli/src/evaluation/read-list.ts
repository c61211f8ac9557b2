import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { collectRows, readRows } from "@zephyr/data";
import { checkInput } from "../rows/output-file.ts";

/** All rows of a file at once. A JSON array is parsed in one go: the whole fits into memory anyway, and that is ten times as fast. */
export async function readList<R extends object>(path: string, flag: string): Promise<R[]> {
  checkInput(path, flag);
  if (!/\.json(\.gz)?$/.test(path)) return collectRows(readRows<R>(path));
  const bytes = await readFile(path);
  try {
    const value: unknown = JSON.parse((path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8"));
    if (Array.isArray(value) && value.every((row) => typeof row === "object" && row !== null)) return value as R[];
  } catch {
    // Not one JSON value: JSON Lines under another name, or an error that the reader of rows places better.
  }
  return collectRows(readRows<R>(path));
}
