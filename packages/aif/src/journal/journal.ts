import { close, fdatasync, fstat, ftruncate, openSync, read, readSync, write } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { RequestError } from "../client/errors.ts";
import { keyIndex } from "./key-index.ts";
import { takeLock } from "./lock.ts";
import { type JournalEntry, readEntry, readHead, recordGroup } from "./record.ts";

/** The record of every request that is over, so that none is paid for twice. */
export interface Journal {
  get(key: string): JournalEntry | undefined;
  /** Resolves when the record is on the disk; rejects with a "journal" error, as does every later call, once a write failed. */
  append(key: string, costUsd: number, entry: JournalEntry): Promise<void>;
  /** The error that ended writing, if any. */
  failure(): RequestError | undefined;
  /** What the recorded requests cost, in US dollars, those of earlier runs included. */
  spentUsd(): number;
  size(): number;
  /** What was found damaged when the journal was opened. */
  readonly damage: { tornBytes: number; corruptRecords: number };
  close(): Promise<void>;
}

// Plain descriptors: a FileHandle complains when it is collected open, which a journal for one process may be.
const writeFile = promisify(write);
const readFile = promisify(read);
const fdatasyncFile = promisify(fdatasync);
const truncateFile = promisify(ftruncate);
const statFile = promisify(fstat);
const closeFile = promisify(close);

const SCAN_BYTES = 1 << 20;
/** A group that is smaller than this waits a moment for more: each one costs a write and a sync, however small it is. */
const SMALL_GROUP = 64;
const MOMENT_MS = 5;
const FILE_NAME = "requests.log";

/**
 * Opens (or starts) the journal in a folder and takes its lock. Records are appended with length and checksum and made
 * durable in groups (one fdatasync for all that wait). A torn end is cut off; a corrupt record in the middle is skipped.
 *
 * Throws an Error with code "EAIFLOCKED" when another run holds it.
 */
export async function openJournal(directory: string): Promise<Journal> {
  await mkdir(directory, { recursive: true });
  const release = await takeLock(join(directory, "lock"));
  try {
    return await journalOver(openSync(join(directory, FILE_NAME), "a+"), true, release);
  } catch (error) {
    await release();
    throw error;
  }
}

/** A journal that nobody else can see and that is gone after the process, for runs that need not survive it. */
export async function temporaryJournal(): Promise<Journal> {
  const directory = await mkdtemp(join(tmpdir(), "zephyr-aif-"));
  const file = openSync(join(directory, FILE_NAME), "a+");
  // An open file needs no name: whatever happens to the process, nothing is left behind.
  await rm(directory, { recursive: true, force: true }).catch(() => {});
  return journalOver(file, false, async () => {});
}

async function journalOver(file: number, isDurable: boolean, release: () => Promise<void>): Promise<Journal> {
  const index = keyIndex();
  const scan = await scanFile(file, (key, offset, length) => index.set(key, offset, length));
  let end = scan.end;
  let spent = scan.spentUsd;
  let failed: RequestError | undefined;
  let waiting: Waiting[] = [];
  const lines = recordGroup();
  let isWriting = false;
  let writing: Promise<void> | undefined;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      if (waiting.length < SMALL_GROUP) await sleep(MOMENT_MS);
      const group = waiting;
      waiting = [];
      let lengths: number[];
      try {
        lengths = group.map(({ key, costUsd, entry }) => lines.add(key, costUsd, entry));
        await writeFully(file, lines.take());
        if (isDurable) await fdatasyncFile(file);
      } catch (cause) {
        failed = new RequestError(
          "journal",
          `journal: writing failed (${(cause as Error).message}); nothing more is sent, free the disk and resume`,
          { cause },
        );
        for (const { reject } of [...group, ...waiting]) reject(failed);
        waiting = [];
        break;
      }
      for (const [i, { key, resolve }] of group.entries()) {
        index.set(key, end, lengths[i]!);
        end += lengths[i]!;
        resolve();
      }
    }
    // In the same breath as the last look at `waiting`: whoever comes later starts the next round.
    isWriting = false;
  }

  return {
    damage: scan.damage,
    get(key) {
      const place = index.get(key);
      if (place === undefined) return undefined;
      const line = Buffer.alloc(place.mark);
      readSync(file, line, 0, place.mark, place.position);
      // A 64-bit coincidence with another key counts as absent.
      return readHead(line)?.key === key ? readEntry(line) : undefined;
    },
    append(key, costUsd, entry) {
      if (failed !== undefined) return Promise.reject(failed);
      spent += costUsd;
      return new Promise((resolve, reject) => {
        waiting.push({ key, costUsd, entry, resolve, reject });
        if (isWriting) return;
        isWriting = true;
        writing = Promise.resolve().then(writeAll);
      });
    },
    failure: () => failed,
    spentUsd: () => spent,
    size: () => index.size(),
    async close() {
      await writing;
      await closeFile(file);
      await release();
    },
  };
}

/** A record on its way to the disk. */
interface Waiting {
  key: string;
  costUsd: number;
  entry: JournalEntry;
  resolve(): void;
  reject(error: Error): void;
}

async function writeFully(file: number, bytes: Buffer): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await writeFile(file, bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}

interface Scan {
  end: number;
  spentUsd: number;
  damage: { tornBytes: number; corruptRecords: number };
}

/** Reads the file once, line by line, and cuts off what follows the last good record. */
async function scanFile(file: number, found: (key: string, offset: number, length: number) => void): Promise<Scan> {
  const { size } = await statFile(file);
  let rest: Buffer = Buffer.alloc(0);
  let offset = 0;
  let goodEnd = 0;
  let spentUsd = 0;
  let corrupt = 0;
  let corruptSinceGood = 0;
  for (let position = 0; position < size; ) {
    const chunk = Buffer.alloc(Math.min(SCAN_BYTES, size - position));
    const { bytesRead } = await readFile(file, chunk, 0, chunk.length, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    for (let feed = rest.indexOf(10); feed >= 0; feed = rest.indexOf(10)) {
      const line = rest.subarray(0, feed + 1);
      const head = readHead(line);
      if (head === undefined) corruptSinceGood++;
      else {
        found(head.key, offset, line.length);
        spentUsd += head.costUsd;
        corrupt += corruptSinceGood;
        corruptSinceGood = 0;
        goodEnd = offset + line.length;
      }
      offset += line.length;
      rest = rest.subarray(feed + 1);
    }
  }
  if (goodEnd < size) await truncateFile(file, goodEnd);
  return { end: goodEnd, spentUsd, damage: { tornBytes: size - goodEnd, corruptRecords: corrupt } };
}
