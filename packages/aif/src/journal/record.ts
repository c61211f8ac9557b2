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

/** Memory that is kept from one group of records to the next. */
const USUAL_GROUP_BYTES = 1 << 20;

/** Journal lines that go to the disk together; `take` gives them, and the memory is used again by the next `add`. */
export function recordGroup() {
  let bytes: Buffer = Buffer.allocUnsafe(USUAL_GROUP_BYTES);
  let end = 0;
  return {
    /** Adds one line (checksum, length in bytes, request key, cost in US dollars, entry) and returns its length in bytes. */
    add(key: string, costUsd: number, entry: JournalEntry): number {
      const text = `${key} ${costUsd} ${JSON.stringify(entry)}\n`;
      // A UTF-16 unit takes three bytes of UTF-8 at most.
      bytes = withRoom(bytes, end, LENGTH_END + 3 * text.length);
      const length = LENGTH_END + bytes.write(text, end + LENGTH_END);
      bytes.write(`${hex8(length)} `, end + CRC_END, "latin1");
      bytes.write(`${hex8(crc32(bytes.subarray(end + CRC_END, end + length)))} `, end, "latin1");
      end += length;
      return length;
    },
    take(): Buffer {
      const lines = bytes.subarray(0, end);
      if (bytes.length > USUAL_GROUP_BYTES) bytes = Buffer.allocUnsafe(USUAL_GROUP_BYTES);
      end = 0;
      return lines;
    },
  };
}

function withRoom(bytes: Buffer, used: number, wanted: number): Buffer {
  if (used + wanted <= bytes.length) return bytes;
  const larger = Buffer.allocUnsafe(Math.max(2 * bytes.length, used + wanted));
  bytes.copy(larger, 0, 0, used);
  return larger;
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
