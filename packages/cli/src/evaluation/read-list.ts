import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { collectRows, readRows } from "@zephyr/data";
import { checkInput } from "../rows/output-file.ts";

/**
 * All rows of a file at once. A JSON array is parsed in one go: the whole fits into memory anyway, and that is ten times as fast.
 * Python's NaN, which is no JSON, is read as null.
 */
export async function readList<R extends object>(path: string, flag: string): Promise<R[]> {
  checkInput(path, flag);
  if (!/\.json(\.gz)?$/.test(path)) return collectRows(readRows<R>(path));
  const bytes = await readFile(path);
  const text = readText(bytes, path);
  const value = text === undefined ? undefined : (parse(text) ?? parse(withoutNaN(text)));
  if (Array.isArray(value) && value.every((row) => typeof row === "object" && row !== null)) return value as R[];
  // JSON Lines under another name, or an error that the reader of rows places better.
  return collectRows(readRows<R>(path));
}

function readText(bytes: Buffer, path: string): string | undefined {
  try {
    return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  } catch {
    return undefined;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Texts stay as they are: they are matched first. */
const withoutNaN = (text: string): string =>
  text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|\bNaN\b/g, (found) => (found === "NaN" ? "null" : found));
