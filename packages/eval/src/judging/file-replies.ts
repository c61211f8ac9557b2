import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Completion } from "@zephyr/data";
import type { Replies } from "./ask-all.ts";

/**
 * Replies kept in a JSONL file, one line each, on disk before they count: a killed run asks nothing twice.
 * A last line cut off by the kill is dropped; a broken line elsewhere throws, naming file and line.
 *
 * @example
 * using replies = fileReplies("runs/judge/replies.jsonl");
 * await compare({ a, b, judge, replies });
 */
export function fileReplies(path: string): Replies & Disposable & { size: number } {
  mkdirSync(dirname(path), { recursive: true });
  const known = existsSync(path) ? load(path) : new Map<string, Completion>();
  const file = openSync(path, "a");
  return {
    get size() {
      return known.size;
    },
    get: (key) => known.get(key),
    put(key, completion) {
      writeSync(file, JSON.stringify({ key, completion }) + "\n");
      fsyncSync(file);
      known.set(key, completion);
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}

function load(path: string): Map<string, Completion> {
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.length) truncateSync(path, end);
  const known = new Map<string, Completion>();
  const lines = bytes.subarray(0, end).toString("utf8").split("\n").slice(0, -1);
  lines.forEach((line, i) => {
    const entry = parseEntry(line);
    if (!entry) throw new Error(`fileReplies: ${path}:${i + 1} is no stored reply; remove that line or the file`);
    known.set(entry.key, entry.completion);
  });
  return known;
}

function parseEntry(line: string): { key: string; completion: Completion } | undefined {
  try {
    const entry = JSON.parse(line);
    return typeof entry?.key === "string" && typeof entry?.completion?.content === "string" ? entry : undefined;
  } catch {
    return undefined;
  }
}
