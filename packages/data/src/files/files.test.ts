import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { collectRows, rowsOf } from "../pipe.ts";
import type { UnparsedRows } from "../rows.ts";
import { readRows } from "./read-rows.ts";
import { writeRows } from "./write-rows.ts";

const folder = mkdtempSync(join(tmpdir(), "zephyr-data-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(content: string | Uint8Array, ending = "jsonl"): string {
  const path = join(folder, `in-${files++}.${ending}`);
  writeFileSync(path, content);
  return path;
}
const read = (content: string | Uint8Array, ending?: string) => collectRows(readRows(file(content, ending)));

const rows = Array.from({ length: 2500 }, (_, n) => ({
  prompt_id: `id-${n}`,
  messages: [
    { role: "user", content: `Ünïcode 😀 "quoted" \\ line\nbreak ${n}` },
    { role: "assistant", content: n % 7 === 0 ? "" : "x".repeat(n) },
  ],
  overall_score: n % 10,
  nested: { list: [n, n + 1], deep: [{ a: [1.5, n] }], empty: [] as number[] },
  flag: n % 2 === 0,
}));

for (const ending of ["jsonl", "jsonl.gz", "jsonl.zst", "json", "json.gz", "parquet"]) {
  test(`rows survive .${ending} unchanged, and can be read twice`, async () => {
    const written = await writeRows(join(folder, `out.${ending}`), rowsOf(rows));
    expect(written.count).toBe(rows.length);
    expect(await collectRows(written)).toEqual(rows);
    expect(await collectRows(written)).toEqual(rows);
  });
}

test("an early stop of a reader closes the file and a later iteration starts over", async () => {
  for (const ending of ["jsonl.gz", "json", "parquet"]) {
    for (let i = 0; i < 3; i++) {
      for await (const row of readRows(join(folder, `out.${ending}`))) {
        expect(row["prompt_id"]).toBe("id-0");
        break;
      }
    }
  }
});

test("columns can be picked from every format", async () => {
  for (const ending of ["jsonl", "parquet"]) {
    const picked = await collectRows(readRows(join(folder, `out.${ending}`), { columns: ["prompt_id", "flag"] }));
    expect(picked[1]).toEqual({ prompt_id: "id-1", flag: false });
  }
  await expect(collectRows(readRows(join(folder, "out.parquet"), { columns: ["absent"] }))).rejects.toThrow('no column "absent"');
});

test("byte order mark, CRLF, blank lines and a missing last newline are read correctly", async () => {
  expect(await read('\ufeff{"a":1}\r\n\r\n  \n{"a":"x\\r\\n"}\r\n{"a":3}')).toEqual([{ a: 1 }, { a: "x\r\n" }, { a: 3 }]);
  expect(await read('\ufeff [\r\n{"a":[1,"]"]} ,\n{"a":"\\"}"}]\n', "json")).toEqual([{ a: [1, "]"] }, { a: '"}' }]);
  expect(await read("")).toEqual([]);
  expect(await read("[]", "json")).toEqual([]);
});

test("JSON Lines can be had unparsed; what is wrong with a line is told when it is parsed", async () => {
  const path = file('\uFEFF{"a":1}\r\n\n{"a":"é"}\n{"a":\n[1]\n{"a":2');
  const lines = (await collectRows((readRows(path) as UnparsedRows<object>).unparsedLines())).flat();
  expect(lines.map(({ text }) => text)).toEqual(['{"a":1}\r', '{"a":"é"}', '{"a":', "[1]", '{"a":2']);
  expect(lines.slice(0, 2).map(({ parse }) => parse())).toEqual([{ a: 1 }, { a: "é" }]);
  const errors = lines.slice(2).map(({ parse }) => {
    try {
      return parse();
    } catch (error) {
      return `${(error as { code: string }).code} ${(error as Error).message.split(": ")[1]}`;
    }
  });
  expect(errors).toEqual([`NOT_JSON ${path}:4`, `NOT_A_ROW ${path}:5`, `CUT_OFF ${path}:6`]);
  for (const rows of [readRows(join(folder, "out.json")), readRows(join(folder, "out.jsonl"), { columns: ["flag"] })])
    expect("unparsedLines" in rows).toBe(false);
  expect("unparsedLines" in { ...readRows(path) }).toBe(false);
  const latin1 = readRows(file(Buffer.from([0x7b, 0x22, 0xe9, 0x22, 0x3a, 0x31, 0x7d, 10]))) as UnparsedRows<object>;
  await expect(collectRows(latin1.unparsedLines())).rejects.toThrow("invalid UTF-8");
});

test("rows that come with their lines are written as these, in every container", async () => {
  const texts = rows.map((row) => JSON.stringify(row));
  const lined = {
    ...rowsOf(rows),
    async *jsonLines() {
      for (let at = 0; at < texts.length; at += 100) yield texts.slice(at, at + 100);
    },
  };
  for (const ending of ["jsonl", "json", "jsonl.zst", "parquet"]) {
    const written = await writeRows(join(folder, `lined.${ending}`), lined);
    expect(written.count).toBe(rows.length);
    expect(readFileSync(written.path)).toEqual(readFileSync(join(folder, `out.${ending}`)));
  }
});

test("a .json file that holds JSON Lines is read as such", async () => {
  expect(await read('{"a":1}\n{"a":2}\n', "json")).toEqual([{ a: 1 }, { a: 2 }]);
});

test("rows longer than the reader's chunk are joined", async () => {
  const long = Array.from({ length: 5 }, (_, n) => ({ n, text: "é".repeat(900_000 + n) }));
  const written = await writeRows(join(folder, "long.jsonl"), rowsOf(long));
  expect(await collectRows(written)).toEqual(long);
  expect(await collectRows(await writeRows(join(folder, "long.json"), rowsOf(long)))).toEqual(long);
});

const broken: [string, string | Uint8Array, string, RegExp][] = [
  ["a syntax error", '{"a":1}\n{"a":}\n{"a":2}\n', "jsonl", /in-\d+\.jsonl:2: not JSON/],
  ["a cut last line", '{"a":1}\n{"a":2}\n{"a', "jsonl", /\.jsonl:3: the last line is cut off/],
  ["a line that is an array", "[1]\n", "jsonl", /:1: holds an array/],
  ["a line that is null", '{"a":1}\nnull\n', "jsonl", /:2: holds null/],
  ["a NUL tail", '{"a":1}\n\0\0\0\n', "jsonl", /:2: not JSON/],
  [
    "invalid UTF-8",
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}\n')]),
    "jsonl",
    /:1: invalid UTF-8/,
  ],
  ["a cut array", '[{"a":1},{"a":2}', "json", /row 1: the file ends inside the array/],
  ["a cut array after a comma", '[{"a":1},', "json", /ends inside the array/],
  ["a trailing comma", '[{"a":1},]', "json", /row 1: not JSON/],
  ["text after the array", '[{"a":1}] x', "json", /text after the end/],
  ["a wrong bracket", '[{"a":1}}]', "json", /never opened/],
  ["a scalar", '"text"', "json", /starts neither/],
  ["a cut gzip", gzipSync(Buffer.from('{"a":1}\n'.repeat(1000))).subarray(0, 40), "jsonl.gz", /gzip data is corrupt or cut off/],
  ["no gzip at all", "plain text", "jsonl.gz", /gzip data is corrupt/],
  [
    "a cut zstd",
    zstdCompressSync(Buffer.from('{"a":1}\n'.repeat(1000))).subarray(0, 20),
    "jsonl.zst",
    /zstd data is corrupt or cut off/,
  ],
  ["an empty Parquet file", "", "parquet", /footer: /],
  ["text named Parquet", "PAR1 nothing of the kind PAR1", "parquet", /footer: /],
];
for (const [name, content, ending, message] of broken) {
  test(`${name} is an error that names the place`, async () => {
    await expect(read(content, ending)).rejects.toThrow(message);
  });
}

test("a missing file keeps its error code, an unknown ending lists the known ones", async () => {
  await expect(collectRows(readRows(join(folder, "absent.jsonl")))).rejects.toMatchObject({ code: "ENOENT" });
  await expect(collectRows(readRows(join(folder, "absent.jsonl.gz")))).rejects.toMatchObject({ code: "ENOENT" });
  expect(() => readRows("rows.csv")).toThrow(".jsonl");
  expect(() => readRows("rows.parquet.gz")).toThrow(".parquet");
});

for (const ending of ["jsonl", "parquet"]) {
  test(`writing .${ending} refuses what JSON loses, naming file, row and key, and leaves the old file alone`, async () => {
    const path = join(folder, `refuse.${ending}`);
    await writeRows(path, rowsOf([{ old: true }]));
    const before = readFileSync(path);
    for (const [value, problem] of [
      [{ a: [{ b: Number.NaN }] }, /row 1: a\[0\]\.b is NaN/],
      [{ a: { c: -Infinity } }, /row 1: a\.c is -Infinity/],
      [{ logps: new Float64Array(2) }, /row 1: logps is a Float64Array/],
      [{ n: 2n ** 60n }, /row 1: n is the BigInt 1152921504606846976/],
      [{ n: [undefined] }, /row 1: n\[0\] is undefined/],
    ] as const) {
      await expect(writeRows(path, rowsOf<object>([{ old: false, text: "null" }, value]))).rejects.toThrow(problem);
    }
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(folder).filter((name) => name.includes(".tmp"))).toEqual([]);
  });
}

test("zstd files of several frames, with skippable ones between, are read to their end", async () => {
  const frame = (n: number) => zstdCompressSync(Buffer.from(`{"n":${n}}\n`.repeat(n)));
  const skippable = Buffer.from([0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const many = Buffer.concat([frame(1), skippable, frame(70_000), frame(2), skippable]);
  const all = await read(many, "jsonl.zst");
  expect(all).toHaveLength(70_003);
  expect(all.at(-1)).toEqual({ n: 2 });
  await expect(read(Buffer.concat([frame(1), Buffer.from("junk")]), "jsonl.zst")).rejects.toThrow("zstd data is corrupt");
  await expect(read(many.subarray(0, many.length - 2), "jsonl.zst")).rejects.toThrow("zstd data is corrupt or cut off");
});

test("an error of the source leaves no file", async () => {
  const failing = {
    async *[Symbol.asyncIterator]() {
      yield { a: 1 };
      throw new Error("the judge went home");
    },
  };
  await expect(writeRows(join(folder, "never.jsonl"), failing)).rejects.toThrow("went home");
  expect(readdirSync(folder).filter((name) => name.includes("never"))).toEqual([]);
});

test("the same rows give the same bytes, compressed or not", async () => {
  const plain = await writeRows(join(folder, "a.jsonl"), rowsOf(rows));
  for (const [ending, unpack] of [
    ["gz", gunzipSync],
    ["zst", zstdDecompressSync],
  ] as const) {
    const one = readFileSync((await writeRows(join(folder, `a.jsonl.${ending}`), rowsOf(rows))).path);
    const two = readFileSync((await writeRows(join(folder, `b.jsonl.${ending}`), rowsOf(rows))).path);
    expect(one.equals(two)).toBe(true);
    expect(unpack(one).equals(readFileSync(plain.path))).toBe(true);
  }
});

test("Parquet widens its schema when a later row needs it", async () => {
  const early = Array.from({ length: 1200 }, (_, n) => ({ n, tags: [] as string[], info: { a: n } }));
  const late = Array.from({ length: 1200 }, (_, n) => ({ n: n + 0.5, tags: ["t"], info: { a: n, b: "text" }, more: [n] }));
  const written = await writeRows<object>(join(folder, "wide.parquet"), rowsOf<object>([...early, ...late]));
  expect(await collectRows(written)).toEqual([...early, ...late]);
  expect(readdirSync(folder).filter((name) => name.includes("copy"))).toEqual([]);
});

test('Parquet stores ratings beside "N/A" as text, list-or-"None" as lists, and drops null columns', async () => {
  const mixed = [
    { rating: 5, type: ["1", "2"], gone: null },
    { rating: "N/A", type: "None", gone: 1 },
  ];
  const written = await writeRows<object>(join(folder, "mixed.parquet"), rowsOf<object>(mixed));
  expect(await collectRows(written)).toEqual([
    { rating: "5", type: ["1", "2"] },
    { rating: "N/A", type: [], gone: 1 },
  ]);
  await expect(
    writeRows<object>(join(folder, "bad.parquet"), rowsOf<object>([{ a: { b: "x" } }, { a: { b: [1] } }])),
  ).rejects.toThrow("row 1: a.b: holds both");
  await expect(writeRows(join(folder, "none.parquet"), rowsOf([]))).rejects.toThrow("no rows");
});

test('"None" and [] turn into the list or group that later rows bring, also in a group already written', async () => {
  const early = Array.from({ length: 1000 }, () => ({ type: "None", annotation: [] }));
  const late = [
    { type: ["1"], annotation: { rating: 1 } },
    { type: "None", annotation: [] },
  ];
  const written = await writeRows<object>(join(folder, "later.parquet"), rowsOf<object>([...early, ...late]));
  const back = await collectRows(written);
  expect(back[0]).toEqual({ type: [] });
  expect(back.slice(1000)).toEqual([{ type: ["1"], annotation: { rating: 1 } }, { type: [] }]);
  const text = rowsOf<object>([{ type: "None" }, { type: "Some" }, { type: "None" }]);
  expect(await collectRows(await writeRows(join(folder, "text.parquet"), text))).toEqual(await collectRows(text));
  await expect(writeRows<object>(join(folder, "bad.parquet"), rowsOf<object>([{ t: "Some" }, { t: ["1"] }]))).rejects.toThrow(
    "t: holds both",
  );
});

test("Parquet scores are real numbers and token ids whole numbers, messages are lists of structs", async () => {
  const { parquetMetadataAsync, asyncBufferFromFile } = (await import("hyparquet")) as typeof import("hyparquet") & {
    asyncBufferFromFile(path: string): Promise<import("hyparquet").AsyncBuffer>;
  };
  const written = await writeRows(
    join(folder, "types.parquet"),
    rowsOf([{ score_chosen: 8, input_ids: [1, 2], messages: [{ content: "a", role: "user" }] }]),
  );
  const { schema } = await parquetMetadataAsync(await asyncBufferFromFile(written.path));
  const leaf = Object.fromEntries(schema.filter((e) => e.type).map((e) => [e.name, e.type]));
  expect(leaf).toEqual({ score_chosen: "DOUBLE", element: "INT32", content: "BYTE_ARRAY", role: "BYTE_ARRAY" });
  expect(schema.map((e) => e.name)).toEqual([
    "schema",
    "score_chosen",
    "input_ids",
    "list",
    "element",
    "messages",
    "list",
    "element",
    "content",
    "role",
  ]);
});
