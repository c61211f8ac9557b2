import { writeDurably } from "../files/durable-file.ts";
import { formatError } from "../format-error.ts";
import { isJsonObject, type JsonObject, strictJson } from "../json/strict-json.ts";
import { finiteOnly } from "./trainer-state.ts";

/** The log of a run: a line per optimizer step. */
export const LOG_FILE = "log_history.jsonl";

/** One line of the log: the optimizer step, and metrics under TRL's names. */
export interface LogEntry {
  step: number;
  [metric: string]: number | string;
}

/**
 * Appends one line to `log_history.jsonl`. Throws `TypeError` for NaN and Infinity, naming the metric.
 *
 * @example await appendLog("run/log_history.jsonl", { step: 1, loss: 0.693147, learning_rate: 0 });
 */
export async function appendLog(path: string, entry: LogEntry): Promise<void> {
  const { appendFile } = await import("node:fs/promises");
  await appendFile(path, JSON.stringify(entry, finiteOnly(`step ${entry.step} of ${path}`)) + "\n");
}

/** Makes what was appended survive a power cut; a log that does not exist yet has nothing to lose. */
export async function syncLog(path: string): Promise<void> {
  const { open } = await import("node:fs/promises");
  const file = await open(path, "r+").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  try {
    await file?.sync();
  } finally {
    await file?.close();
  }
}

/**
 * Reads a log. A last line that a kill or a power cut tore is left out; any other line that is no entry is an error.
 *
 * Throws `ERR_LOG` naming the line. A log that does not exist is empty.
 */
export async function readLog(path: string): Promise<LogEntry[]> {
  return (await readLines(path)).map(({ entry }) => entry);
}

/**
 * Cuts a log back to the entries up to and including a step: what a run that resumes from that step's checkpoint has behind it.
 *
 * Lines stay byte for byte as they are. Returns how many lines were kept and dropped (a torn last line counts as dropped).
 *
 * @example await cutLog("run/log_history.jsonl", checkpoint.step);
 */
export async function cutLog(path: string, step: number): Promise<{ kept: number; dropped: number }> {
  const lines = await readLines(path);
  const kept = lines.filter(({ entry }) => entry.step <= step);
  const before = await readText(path);
  const after = kept.map(({ text }) => `${text}\n`).join("");
  if (after !== before) await writeDurably(path, [after]);
  const count = before.split("\n").filter((text) => text.trim() !== "").length;
  return { kept: kept.length, dropped: count - kept.length };
}

async function readLines(path: string): Promise<{ text: string; entry: LogEntry }[]> {
  const lines: { text: string; entry: LogEntry }[] = [];
  const texts = (await readText(path)).split("\n");
  for (const [index, text] of texts.entries()) {
    if (text.trim() === "") continue;
    const entry = parseEntry(text);
    if (entry) lines.push({ text, entry });
    else if (index < texts.length - 1) {
      throw formatError("ERR_LOG", `readLog: line ${index + 1} of ${path} is no log entry with a step; mend or remove the line`);
    }
  }
  return lines;
}

async function readText(path: string): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
}

function parseEntry(text: string): LogEntry | undefined {
  let json: unknown;
  try {
    json = strictJson(text);
  } catch {
    return undefined;
  }
  return isJsonObject(json) && isEntry(json) ? json : undefined;
}

const isEntry = (json: JsonObject): json is LogEntry & JsonObject => typeof json["step"] === "number" && json["step"] >= 0;
