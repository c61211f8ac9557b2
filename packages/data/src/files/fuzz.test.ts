import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { AsyncBuffer } from "hyparquet";
import { expect, test } from "vitest";
import { rowsOf } from "../pipe.ts";
import { type Random, randomFor } from "../random.ts";
import type { Compression } from "./file-format.ts";
import { parseJson } from "./json-array.ts";
import { isRow, parseJsonl } from "./jsonl.ts";
import { decompressed } from "./read-bytes.ts";
import { readParquetBuffer } from "./read-parquet.ts";
import { writeRows } from "./write-rows.ts";

/** Mutated inputs per reader; a longer run sets ZEPHYR_FUZZ. */
const ROUNDS = Number(process.env["ZEPHYR_FUZZ"] ?? 400);
const MOST_MEMORY_GROWTH = 512 * 1024 * 1024;
const INTERESTING = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x5b, 0x5d, 0x7b, 0x7d, 0x5c, 0x0a];

const rows = Array.from({ length: 40 }, (_, n) => ({
  id: `row-${n}`,
  messages: [
    { role: "user", content: `text ${n} "é" 😀` },
    { role: "assistant", content: n % 3 ? "yes" : "" },
  ],
  score: n / 2,
  ids: [n, n + 1, 7],
  flag: n % 2 === 0,
}));

function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let out: Uint8Array = Uint8Array.from(bytes);
  for (let edits = 1 + random.integer(4); edits > 0 && out.length > 0; edits--) {
    const at = random.integer(out.length);
    const kind = random.integer(6);
    if (kind === 0) out[at] = random.integer(256);
    else if (kind === 1) out[at] = INTERESTING[random.integer(INTERESTING.length)]!;
    else if (kind === 2) out[at] = out[at]! ^ (1 << random.integer(8));
    else if (kind === 3) out = out.subarray(0, at);
    else if (kind === 4) out = Uint8Array.from([...out.subarray(0, at), ...out.subarray(random.integer(out.length))]);
    else out.fill(0xff, at, at + 1 + random.integer(8));
  }
  return out;
}

/** The bytes in chunks of random sizes, so that every cut between chunks occurs. */
async function* chunked(bytes: Uint8Array, random: Random): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random.integer(200);
    yield bytes.subarray(at, end);
    at = end;
  }
}

async function fuzz(
  name: string,
  seed: Uint8Array,
  read: (bytes: Uint8Array, random: Random) => AsyncIterable<unknown>,
): Promise<void> {
  let refused = 0;
  const before = process.memoryUsage().rss;
  for (let round = 0; round < ROUNDS; round++) {
    const random = randomFor(round, name);
    try {
      for await (const row of read(mutate(seed, random), random))
        if (!isRow(row)) throw new TypeError(`round ${round} gave ${String(row)}`);
    } catch (error) {
      expect(String((error as Error).message), `round ${round}`).toMatch(/^fuzz: in/);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(ROUNDS / 20);
  expect(process.memoryUsage().rss - before).toBeLessThan(MOST_MEMORY_GROWTH);
}

const jsonl = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
const array = Buffer.from(JSON.stringify(rows));
const unpackedJsonl = (compression: Compression) => (bytes: Uint8Array, random: Random) =>
  parseJsonl(decompressed(chunked(bytes, random), compression, "in", "fuzz"), "in", "fuzz");

test("mutated JSON Lines are read or refused", () => fuzz("jsonl", jsonl, unpackedJsonl("none")));
test("mutated JSON arrays are read or refused", () =>
  fuzz("json", array, (bytes, random) => parseJson(chunked(bytes, random), "in", "fuzz")));
test("mutated gzip is read or refused", () => fuzz("gzip", gzipSync(jsonl), unpackedJsonl("gzip")));
test("mutated zstd is read or refused", () => fuzz("zstd", zstdCompressSync(jsonl), unpackedJsonl("zstd")));

function bufferOf(bytes: Uint8Array): AsyncBuffer {
  return { byteLength: bytes.length, slice: async (start, end = bytes.length) => bytes.slice(start, end).buffer as ArrayBuffer };
}

test("mutated Parquet is read or refused, compressed or not, anywhere in the file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "zephyr-fuzz-"));
  const { path } = await writeRows(join(folder, "seed.parquet"), rowsOf(rows));
  const zstd = new Uint8Array(readFileSync(path));
  rmSync(folder, { recursive: true });
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const columnData = [
    { name: "text", data: rows.map((row) => (row.flag ? row.id : row.messages[0]!.content)) },
    { name: "score", data: rows.map((row) => (row.flag ? row.score : null)), nullable: true, type: "DOUBLE" as const },
    { name: "same", data: rows.map(() => "one text in a dictionary") },
    { name: "big", data: rows.map((_, n) => BigInt(n)) },
    { name: "flag", data: rows.map((row) => row.flag) },
  ];
  for (const [name, seed] of [
    ["zstd", zstd],
    ["none", new Uint8Array(parquetWriteBuffer({ columnData, codec: "UNCOMPRESSED" }))],
    ["snappy", new Uint8Array(parquetWriteBuffer({ columnData }))],
  ] as const) {
    await fuzz(`parquet-${name}`, seed, (bytes) => readParquetBuffer(bufferOf(bytes), "in", "fuzz"));
  }
});

test("a run that claims more values than its page holds is refused before it is unrolled", async () => {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const values = Array.from({ length: 1000 }, () => "same");
  const bytes = new Uint8Array(
    parquetWriteBuffer({ columnData: [{ name: "a", data: values, nullable: true }], codec: "UNCOMPRESSED" }),
  );
  const read = async (content: Uint8Array) => {
    let count = 0;
    for await (const _ of readParquetBuffer(bufferOf(content), "in", "fuzz")) count++;
    return count;
  };
  expect(await read(bytes)).toBe(1000);
  // 1,000 repeats are the varint d0 0f (twice 1,000), as is the count in the headers; fe 7f claims 8,191.
  const runs = [...bytes.keys()].filter((i) => bytes[i] === 0xd0 && bytes[i + 1] === 0x0f);
  const outcomes = await Promise.all(
    runs.map(async (run) => {
      const lying = bytes.slice();
      lying.set([0xfe, 0x7f], run);
      return read(lying).catch((error: Error) => error.message);
    }),
  );
  expect(outcomes).toContainEqual(expect.stringContaining("a run claims 8191 values where 1000 are left"));
});
