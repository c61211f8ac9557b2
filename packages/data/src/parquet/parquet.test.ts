import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AsyncBuffer, FileMetaData } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { afterAll, expect, test } from "vitest";
import { readRows } from "../files/read-rows.ts";
import { writeRows } from "../files/write-rows.ts";
import { collectRows, rowsOf } from "../pipe.ts";
import { type Random, randomFor } from "../random.ts";
import { chunkPages } from "./chunk-pages.ts";
import { unpackers } from "./codecs.ts";
import { leafColumns, readFooter } from "./footer.ts";
import { valueDecoder } from "./page-values.ts";
import { readParquetBuffer } from "./read-parquet.ts";

const folder = mkdtempSync(join(tmpdir(), "zephyr-parquet-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
async function roundTrip(rows: object[]): Promise<{ path: string; back: object[] }> {
  const { path } = await writeRows<object>(join(folder, `${files++}.parquet`), rowsOf(rows));
  return { path, back: await collectRows(readRows(path)) };
}

/** What a row is after Parquet: nulls in objects are left out, in lists they stay. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value ?? null;
  const kept = Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined);
  return Object.fromEntries(kept.map(([name, entry]) => [name, withoutNulls(entry)]));
}

function bufferOf(path: string): AsyncBuffer {
  const bytes = new Uint8Array(readFileSync(path));
  return { byteLength: bytes.length, slice: (start, end = bytes.length) => bytes.slice(start, end).buffer };
}

/** The file as hyparquet reads it, with its nulls and its whole numbers as they are. */
async function readByHyparquet(path: string): Promise<object[]> {
  const { parquetReadObjects } = await import("hyparquet");
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const parsers = { stringFromBytes: (bytes: Uint8Array) => bytes && decoder.decode(bytes) };
  return parquetReadObjects({ file: bufferOf(path), compressors, parsers });
}

async function metadataOf(path: string): Promise<FileMetaData> {
  return (await readFooter(bufferOf(path))).metadata;
}

/** The pages of a column, group by group: how many entries each holds. */
async function pageEntries(path: string, name: string): Promise<number[][]> {
  const file = bufferOf(path);
  const { metadata, root } = await readFooter(file);
  const leaves = leafColumns(root);
  const index = leaves.findIndex((leaf) => leaf.path.join(".") === name);
  const { deserializeTCompactProtocol: parseHeader } = await import("hyparquet/src/thrift.js");
  const leaf = leaves[index]!;
  const context = { file, leaf, decoder: await valueDecoder(leaf, "test"), unpackerOf: await unpackers("test"), parseHeader };
  const groups: number[][] = [];
  for (const { columns, num_rows } of metadata.row_groups) {
    const entries: number[] = [];
    const bytes = { packed: 2 ** 30, unpacked: 0 };
    for await (const page of chunkPages(context, columns[index]!.meta_data!, Number(num_rows), bytes)) entries.push(page.entries);
    groups.push(entries);
  }
  return groups;
}

const awkward: [string, object[]][] = [
  ["a null list, an empty list, a list of null", [{ a: null }, { a: [] }, { a: [null] }, { a: ["x", null, ""] }, {}]],
  [
    "null structs, empty structs and structs of nulls in lists",
    [{ m: [{ c: "a", r: "u" }, null, {}, { c: null, r: "v" }] }, { m: null }, { m: [] }, { m: [null] }, { m: [{ c: "z" }] }],
  ],
  [
    "lists of lists, empty at each depth",
    [{ d: [] }, { d: [[]] }, { d: [[[]]] }, { d: [[[1]], [], [[2, 3], [], [4]], null] }, { d: [null] }, { d: [[null]] }, {}],
  ],
  [
    "structs in structs, absent at each depth",
    [{ s: { t: { u: 1 } } }, { s: { t: null } }, { s: null }, { s: { t: { u: null } } }, {}, { s: { t: { u: -1 } } }],
  ],
  [
    "a struct around a list of structs around a list",
    [{ a: { b: [{ c: [1, 2] }, { c: [] }, {}] } }, { a: {} }, { a: { b: [] } }],
  ],
  ["truth values between nulls", Array.from({ length: 19 }, (_, n) => (n % 5 === 0 ? { n } : { n, flag: n % 3 === 0 }))],
  [
    "the ends of 32 bits, and what lies beyond",
    [
      { i: 2 ** 31 - 1, r: 2 ** 31 },
      { i: -(2 ** 31) + 1, r: -0.5 },
      { i: 0, r: 0 },
    ],
  ],
  [
    "texts of every kind",
    ["", "\0", "\ufeffmark", "\ufffd", "é", "😀", "\u2028", "日本語".repeat(99), " ", "None"].map((text) => ({
      text,
      t: [text],
    })),
  ],
  [
    "keys with dots, spaces, quotes and the names of an object's machinery",
    [{ "a.b": 1, 'c "d"': { "": 2, constructor: 3 }, toString: "x" }],
  ],
];
test.each(awkward)("%s come back as they were", async (_, rows) => {
  const { path, back } = await roundTrip(rows);
  expect(back).toEqual(rows.map(withoutNulls));
  expect((await readByHyparquet(path)).map(withoutNulls)).toEqual(rows.map(withoutNulls));
});

test("a key __proto__ is a column, and changes no prototype", async () => {
  const { back } = await roundTrip([JSON.parse('{"__proto__":{"polluted":1},"a":{"__proto__":2}}')]);
  expect(JSON.stringify(back)).toBe('[{"__proto__":{"polluted":1},"a":{"__proto__":2}}]');
  expect(Object.getPrototypeOf(back[0])).toBe(Object.prototype);
});

/** A value for a place in a schema; the same place always gets values that one column holds. */
function randomValue(random: Random, place: string, depth: number): unknown {
  if (random.integer(6) === 0) return null;
  const kind = randomFor(5, place).integer(depth > 3 ? 4 : 7);
  if (kind === 0) return random.integer(3) === 0 ? "" : `é${random.integer(40)}`.repeat(random.integer(30));
  if (kind === 1) return random.integer(1000) - 500;
  if (kind === 2) return random.integer(1000) / 8 + 0.0625;
  if (kind === 3) return random.integer(2) === 0;
  const entries = random.integer(4);
  if (kind < 6) return Array.from({ length: entries }, () => randomValue(random, `${place}[]`, depth + 1));
  return Object.fromEntries(
    Array.from({ length: entries }, (_, i) => [`k${i}`, randomValue(random, `${place}.k${i}`, depth + 1)]),
  );
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])("random nested rows over three groups come back as they were (seed %i)", async (seed) => {
  const random = randomFor(seed, "rows");
  const rows = Array.from({ length: 2300 }, (_, n) => ({
    n,
    ...Object.fromEntries(["p", "q", "r", "s"].map((name) => [name, randomValue(random, `${seed}${name}`, 0)])),
  }));
  const { path, back } = await roundTrip(rows);
  expect(back).toEqual(rows.map(withoutNulls));
  expect((await metadataOf(path)).row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([1000, 1000, 300]);
  expect((await readByHyparquet(path)).map(withoutNulls)).toEqual(rows.map(withoutNulls));
});

test("pages end after the row that fills them, and columns whose pages end elsewhere meet again", async () => {
  const long = "word ".repeat(20_000);
  const rows = Array.from({ length: 120 }, (_, n) => ({
    id: n,
    messages: Array.from({ length: n % 5 }, (_, i) => ({ content: `${n} ${i} ${long}`, role: i % 2 ? "assistant" : "user" })),
    ids: Array.from({ length: n === 60 ? 300_000 : n % 3 }, (_, i) => i),
  }));
  const { path, back } = await roundTrip(rows);
  expect(back).toEqual(rows);
  const [contents] = (await pageEntries(path, "messages.list.element.content")) as [number[]];
  const [roles] = (await pageEntries(path, "messages.list.element.role")) as [number[]];
  expect(contents.length).toBeGreaterThan(10);
  expect(roles).toHaveLength(1);
  expect(contents.reduce((sum, count) => sum + count)).toBe(roles[0]);
  const [ids] = (await pageEntries(path, "ids.list.element")) as [number[]];
  expect(ids).toHaveLength(2);
});

test("texts that repeat are stored once and looked up, in each group anew; those that do not are not tried again", async () => {
  const rows = Array.from({ length: 3000 }, (_, n) => ({
    model: `model-${n % 17}`,
    id: `id-${n}`,
    late: n < 500 ? "same" : `other ${n} ${"x".repeat(300)}`,
    few: n % 1000 < 990 ? undefined : `few-${n}`,
  }));
  const { path, back } = await roundTrip(rows);
  expect(back).toEqual(rows.map(withoutNulls));
  expect((await readByHyparquet(path)).map(withoutNulls)).toEqual(rows.map(withoutNulls));
  const { row_groups } = await metadataOf(path);
  const dictionaries = row_groups.map(({ columns }) =>
    columns.filter(({ meta_data }) => meta_data!.dictionary_page_offset).map(({ meta_data }) => meta_data!.path_in_schema[0]),
  );
  expect(dictionaries).toEqual([["model"], ["model"], ["model"]]);
});

test.each([70, 1500])(
  "row %i needs a wider schema in the middle of a group, and leaves no trace of its first try",
  async (wide) => {
    const rows: object[] = Array.from({ length: 2100 }, (_, n) => ({
      flag: n % 2 === 0,
      text: `t${n % 3}`,
      list: [n],
      score: n,
    }));
    rows[wide] = { flag: true, text: "wide", list: [1, 2, 3.5], extra: { deep: ["x"] } };
    rows[wide + 1] = { text: 7, list: [], score: 2 };
    const { path, back } = await roundTrip(rows);
    const expected = rows.map((row, n) => (n === wide + 1 ? { ...row, text: "7" } : row));
    expect(back).toEqual(expected);
    expect((await metadataOf(path)).row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([1000, 1000, 100]);
  },
);

test("equal columns are packed once and are both there", async () => {
  const rows = Array.from({ length: 1100 }, (_, n) => {
    const chosen = [{ role: "user", content: `${n} ${"text ".repeat(500)}` }];
    return { chosen, messages: chosen };
  });
  const { path, back } = await roundTrip(rows);
  expect(back).toEqual(rows);
  const [{ columns }] = (await metadataOf(path)).row_groups as [FileMetaData["row_groups"][number]];
  const starts = columns.map(({ meta_data }) => Number(meta_data!.data_page_offset));
  expect(new Set(starts).size).toBe(columns.length);
});

const mistakes: [string, object, RegExp][] = [
  ["an undefined entry of a list", { a: ["x", undefined] }, /row 1000: a\[1\] is undefined/],
  ["NaN", { a: ["x"], n: Number.NaN }, /row 1000: n is NaN/],
  ["Infinity in a text column", { a: [Number.POSITIVE_INFINITY] }, /row 1000: a\[0\] is Infinity/],
  ["a BigInt", { n: 1n }, /row 1000: n is the BigInt 1/],
  ["a typed array", { a: new Uint8Array(2) }, /row 1000: a is a Uint8Array/],
  ["an empty typed array for a group", { s: new Float32Array(0) }, /row 1000: s is a Float32Array/],
  ["half of a surrogate pair", { a: ["x", "\ud83d"] }, /row 1000: a: holds half of a surrogate pair/],
  ["a date", { s: new Date(0) }, /row 1000: s: holds a Date/],
  ["a map", { s: new Map([["t", 1]]) }, /row 1000: s is a Map/],
  ["a list for a text", { a: [["x"]] }, /row 1000: a: holds both string and list/],
  ["a row that is an array", [], /row 1000 is not an object/],
];
test.each(mistakes)("%s is refused also where the schema is settled", async (_, row, message) => {
  const rows = [...Array.from({ length: 1000 }, () => ({ a: ["x"], n: 1, s: { t: 1 } })), row];
  await expect(writeRows<object>(join(folder, "mistake.parquet"), rowsOf(rows))).rejects.toThrow(message);
});

test.each(["v1", "v2"])("nested rows that pyarrow wrote in pages of %s are read as they were", async (version) => {
  const path = (name: string) => new URL(`../fixtures/parquet/pyarrow-nested${name}`, import.meta.url).pathname;
  const expected = await collectRows(readRows(path(".jsonl")));
  expect(await collectRows(readRows(path(`-${version}.parquet`)))).toEqual(expected);
  const columns = ["messages", "day"];
  const picked = await collectRows(readRows(path(`-${version}.parquet`), { columns }));
  expect(picked).toEqual(
    expected.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => columns.includes(name)))),
  );
});

test("rows without a column are refused", async () => {
  await expect(writeRows(join(folder, "empty.parquet"), rowsOf([{}, {}]))).rejects.toThrow("the rows hold no columns");
});

test("a text that is no UTF-8 is an error that names its row and column", async () => {
  const { path } = await roundTrip([{ m: [{ c: "first" }] }, { m: [{ c: "a second one" }] }]);
  const bytes = Buffer.from(readFileSync(path));
  bytes[bytes.indexOf("second")] = 0xff;
  const file = {
    ...bufferOf(path),
    slice: async (start: number, end?: number) => new Uint8Array(bytes.subarray(start, end)).buffer,
  };
  await expect(collectRows({ [Symbol.asyncIterator]: () => readParquetBuffer(file, "in", "test") })).rejects.toThrow(
    "test: in: row group 0, row 1: column m.list.element.c: a text is not UTF-8",
  );
});

test("columns that disagree about a list are an error that names the row", async () => {
  const { path } = await roundTrip([
    { m: [{ a: 1, b: 2 }] },
    {
      m: [
        { a: 1, b: 2 },
        { a: 3, b: 4 },
      ],
    },
    { m: [] },
  ]);
  const file = bufferOf(path);
  const { metadata } = await readFooter(file);
  const second = metadata.row_groups[0]!.columns[1]!.meta_data!;
  const bytes = Buffer.from(readFileSync(path));
  // The repetition levels 0 0 1 0, packed as one group of eight, become 0 1 0 0.
  const at = bytes.indexOf(Buffer.from([3, 0b0100]), Number(second.data_page_offset));
  bytes[at + 1] = 0b0010;
  const lying = { ...file, slice: async (start: number, end?: number) => new Uint8Array(bytes.subarray(start, end)).buffer };
  await expect(collectRows({ [Symbol.asyncIterator]: () => readParquetBuffer(lying, "in", "test") })).rejects.toThrow(
    /in: row group 0, row 0: column m\.list\.element\.b has other lists than those beside it/,
  );
});
