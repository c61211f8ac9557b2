import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGzip, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { collectRows } from "../pipe.ts";
import { readRows } from "./read-rows.ts";

const folder = mkdtempSync(join(tmpdir(), "zephyr-hostile-"));
afterAll(() => rmSync(folder, { recursive: true }));
const MIB = 2 ** 20;

/** Reads a file to its end or its error, and says by how much the process grew at most. */
async function readHostile(name: string): Promise<{ code: unknown; rows: number; message: string; grownMib: number }> {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let peak = before;
  const clock = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5);
  let rows = 0;
  let failure: Error | undefined;
  try {
    for await (const _ of readRows(join(folder, name))) rows++;
  } catch (error) {
    failure = error as Error;
  }
  clearInterval(clock);
  peak = Math.max(peak, process.memoryUsage().rss);
  const code = (failure as { code?: unknown } | undefined)?.code;
  return { code, rows, message: failure?.message ?? "", grownMib: (peak - before) / MIB };
}

/** A file of `size` zero bytes that takes no room on the disk. */
function sparse(name: string, size: number): void {
  const file = openSync(join(folder, name), "w");
  ftruncateSync(file, size);
  closeSync(file);
}

/** Many times the same MiB, as one gzip member. */
async function bomb(name: string, piece: Buffer, times: number, head = ""): Promise<void> {
  const gzip = createGzip({ level: 1 });
  const parts: Buffer[] = [];
  gzip.on("data", (part: Buffer) => parts.push(part));
  const ended = new Promise((done) => gzip.on("end", done));
  gzip.write(head);
  for (let i = 0; i < times; i++) if (!gzip.write(piece)) await new Promise((done) => gzip.once("drain", done));
  gzip.end();
  await ended;
  writeFileSync(join(folder, name), Buffer.concat(parts));
}

test("a line of 1 GB is refused, naming the line, in less memory than it has", async () => {
  sparse("line.jsonl", 2 ** 30);
  const outcome = await readHostile("line.jsonl");
  expect(outcome).toMatchObject({ code: "TOO_LONG", message: expect.stringMatching(/line\.jsonl:1: the line is longer/) });
  expect(outcome.grownMib).toBeLessThan(400);
});

test("a megabyte of gzip that unpacks without end is refused where it is one line or one row, and read through where it is empty lines", async () => {
  await bomb("line.jsonl.gz", Buffer.alloc(MIB, "a"), 160, '{"a":1}\n{"b":"');
  const line = await readHostile("line.jsonl.gz");
  expect(line).toMatchObject({ code: "TOO_LONG", rows: 1, message: expect.stringContaining("line.jsonl.gz:2") });
  await bomb("row.json.gz", Buffer.alloc(MIB, "["), 160);
  const row = await readHostile("row.json.gz");
  expect(row).toMatchObject({ code: "TOO_LONG", rows: 0 });
  await bomb("space.json.gz", Buffer.alloc(MIB, " "), 16);
  const space = await readHostile("space.json.gz");
  expect(space).toMatchObject({ code: "TOO_LONG", rows: 0 });
  await bomb("empty.jsonl.gz", Buffer.alloc(MIB, "\n"), 64);
  const empty = await readHostile("empty.jsonl.gz");
  expect(empty).toMatchObject({ code: undefined, rows: 0 });
  for (const { grownMib } of [line, row, space, empty]) expect(grownMib).toBeLessThan(500);
});

test("a line cut into thousands of tiny archives holds its bytes, not a buffer for each", async () => {
  const frames = Array.from({ length: 4000 }, (_, i) => zstdCompressSync(Buffer.from(i === 0 ? '{"a":"' : "xyz")));
  writeFileSync(join(folder, "frames.jsonl.zst"), Buffer.concat([...frames, zstdCompressSync(Buffer.from('"}\n'))]));
  const outcome = await readHostile("frames.jsonl.zst");
  expect(outcome).toMatchObject({ code: undefined, rows: 1 });
  expect(outcome.grownMib).toBeLessThan(300);
  const members = Buffer.concat(Array.from({ length: 300 }, (_, i) => gzipSync(Buffer.from(`{"n":${i}}\n`))));
  writeFileSync(join(folder, "members.jsonl.gz"), members);
  expect(await readHostile("members.jsonl.gz")).toMatchObject({ code: undefined, rows: 300 });
});

test("a zstd frame that asks for a window of 2 GiB is refused", async () => {
  const magic = [0x28, 0xb5, 0x2f, 0xfd];
  // Frame descriptor 0, window descriptor 0xa8 (2^31), one last raw block of one byte.
  writeFileSync(join(folder, "window.jsonl.zst"), Uint8Array.from([...magic, 0, 0xa8, 0x09, 0, 0, 0x61]));
  expect(await readHostile("window.jsonl.zst")).toMatchObject({ code: "BAD_ARCHIVE" });
});

test("a Parquet group that unpacks to far more than its bytes is refused unread", async () => {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const text = "a".repeat(MIB);
  const data = Array.from({ length: 300 }, () => text);
  const options = { codec: "ZSTD" as const, compressors: { ZSTD: (input: Uint8Array) => zstdCompressSync(input) } };
  const packed = parquetWriteBuffer({ columnData: [{ name: "a", data, encoding: "PLAIN" }], pageSize: 4 * MIB, ...options });
  expect(packed.byteLength).toBeLessThan(MIB);
  writeFileSync(join(folder, "bomb.parquet"), new Uint8Array(packed));
  const outcome = await readHostile("bomb.parquet");
  expect(outcome).toMatchObject({ code: "TOO_LONG", rows: 0, message: expect.stringContaining("row group 0") });
  expect(outcome.grownMib).toBeLessThan(500);
});

test("a million rows of nothing in a kilobyte of Parquet come in windows", async () => {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const data = Array.from({ length: 1_000_000 }, () => null);
  const column = { name: "a", data, nullable: true, type: "DOUBLE" as const };
  writeFileSync(
    join(folder, "nulls.parquet"),
    new Uint8Array(parquetWriteBuffer({ columnData: [column], rowGroupSize: 1_000_000 })),
  );
  const outcome = await readHostile("nulls.parquet");
  expect(outcome).toMatchObject({ code: undefined, rows: 1_000_000 });
  expect(outcome.grownMib).toBeLessThan(400);
});

test("a symbolic link is read as its file, a circle of links and a folder are errors with the system's code", async () => {
  writeFileSync(join(folder, "real.jsonl"), '{"a":1}\n');
  symlinkSync("real.jsonl", join(folder, "link.jsonl"));
  symlinkSync("circle-b.jsonl", join(folder, "circle-a.jsonl"));
  symlinkSync("circle-a.jsonl", join(folder, "circle-b.jsonl"));
  symlinkSync(".", join(folder, "folder.parquet"));
  expect(await collectRows(readRows(join(folder, "link.jsonl")))).toEqual([{ a: 1 }]);
  expect(await readHostile("circle-a.jsonl")).toMatchObject({ code: "ELOOP" });
  expect(await readHostile("folder.parquet")).toMatchObject({ code: "EISDIR" });
});

test("keys that name an object's machinery are columns like any other", async () => {
  writeFileSync(join(folder, "keys.jsonl"), '{"__proto__":{"polluted":1},"constructor":2,"a":3}\n');
  const [row] = await collectRows(readRows(join(folder, "keys.jsonl")));
  expect(Object.keys(row!)).toEqual(["__proto__", "constructor", "a"]);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
  const [picked] = await collectRows(readRows(join(folder, "keys.jsonl"), { columns: ["__proto__"] }));
  expect(Object.keys(picked!)).toEqual(["__proto__"]);
});
