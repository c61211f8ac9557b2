import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** A batch that is about to be submitted, or that was. */
export interface LedgerEntry {
  number: number;
  customIds: string[];
  /** Milliseconds since 1970, by this machine's clock. */
  at: number;
  batchId: string | undefined;
}

/** A file of the batches of one run, for providers that let us put no mark on theirs. */
export interface Ledger {
  entries(): LedgerEntry[];
  /** Written and synced before the upload; gives the entry's number. */
  begin(customIds: string[]): number;
  /** Written after it. */
  submitted(number: number, batchId: string): void;
}

/** Opens a ledger; lines that a crash tore are left out. */
export function openLedger(path: string): Ledger {
  const entries = readEntries(path);
  const append = (value: object): void => {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(path, "a");
    writeSync(file, `\n${JSON.stringify(value)}\n`);
    fsyncSync(file);
    closeSync(file);
  };
  return {
    entries: () => entries,
    begin(customIds) {
      const entry: LedgerEntry = { number: entries.length, customIds, at: Date.now(), batchId: undefined };
      append({ number: entry.number, custom_ids: customIds, at: entry.at });
      entries.push(entry);
      return entry.number;
    },
    submitted(number, batchId) {
      append({ number, batch_id: batchId });
      entries[number]!.batchId = batchId;
    },
  };
}

function readEntries(path: string): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  if (!existsSync(path)) return entries;
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const value = parseLine(line);
    if (value === undefined) continue;
    const { number, custom_ids, at, batch_id } = value;
    if (custom_ids !== undefined) entries[number] = { number, customIds: custom_ids, at: at ?? 0, batchId: undefined };
    else if (entries[number] !== undefined) entries[number].batchId = batch_id;
  }
  return entries;
}

function parseLine(line: string): { number: number; custom_ids?: string[]; at?: number; batch_id?: string } | undefined {
  try {
    const value = JSON.parse(line);
    return typeof value?.number === "number" ? value : undefined;
  } catch {
    return undefined;
  }
}
