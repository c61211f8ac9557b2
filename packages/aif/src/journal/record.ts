import type { Usage } from "@zephyr/data";
import type { ErrorKind } from "../client/errors.ts";
import { crc32 } from "./crc32.ts";

/** How one request ended: with an answer, or with a failure that asking again would not change. */
export type JournalEntry = AnswerEntry | FailureEntry;

export interface AnswerEntry {
  outcome: "answer";
  content: string;
  finish_reason: string;
  usage?: Usage;
  served_model?: string;
  system_fingerprint?: string;
}

export interface FailureEntry {
  outcome: "failure";
  kind: ErrorKind;
  reason: string;
  raw?: string;
}

/** A line's fixed part: "CRC LENGTH KEY COST ", then the entry as JSON and a line feed. Lengths and CRC cover what follows them. */
const HEAD = /^([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{64}) (\d+(?:\.\d+)?(?:e-?\d+)?) /;
const CRC_END = 9;
const LENGTH_END = 18;

/** One journal line: checksum, length in bytes, request key, cost in US dollars, entry. */
export function encodeRecord(key: string, costUsd: number, entry: JournalEntry): Buffer {
  const body = `${key} ${costUsd} ${JSON.stringify(entry)}\n`;
  const line = Buffer.allocUnsafe(LENGTH_END + Buffer.byteLength(body));
  line.write(body, LENGTH_END);
  line.write(`${hex8(line.length)} `, CRC_END, "latin1");
  line.write(`${hex8(crc32(line.subarray(CRC_END)))} `, 0, "latin1");
  return line;
}

/** Checks a line (with its line feed) and reads its fixed part; undefined when it is torn or corrupt. */
export function readHead(line: Buffer): { key: string; costUsd: number } | undefined {
  const head = HEAD.exec(line.toString("latin1", 0, 128));
  if (head === null || Number.parseInt(head[2]!, 16) !== line.length) return undefined;
  if (Number.parseInt(head[1]!, 16) !== crc32(line.subarray(CRC_END))) return undefined;
  return { key: head[3]!, costUsd: Number(head[4]) };
}

/** The entry of a line that `readHead` accepted. */
export function readEntry(line: Buffer): JournalEntry {
  return JSON.parse(line.toString("utf8").replace(HEAD, "")) as JournalEntry;
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, "0");
}
