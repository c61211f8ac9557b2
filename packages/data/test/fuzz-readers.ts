import { resolve, sep } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { AsyncBuffer } from "hyparquet";
import type { Compression } from "../src/files/file-format.ts";
import { parseJson } from "../src/files/json-array.ts";
import { parseJsonl } from "../src/files/jsonl.ts";
import { decompressed } from "../src/files/read-bytes.ts";
import { toPreferenceRows } from "../src/formats/preference-formats.ts";
import { toRatedRows } from "../src/formats/ultrafeedback.ts";
import { parseFileList } from "../src/hub/hub-api.ts";
import { checkFileName } from "../src/hub/hub-names.ts";
import { readParquetBuffer } from "../src/parquet/read-parquet.ts";
import type { Random } from "../src/random.ts";
import { chunked } from "./mutate.ts";
import { parquetSeeds } from "./parquet-seeds.ts";

/** One way into the package for bytes that nobody vouches for. */
export interface FuzzReader {
  name: string;
  /** What is mutated. */
  seed: Uint8Array;
  /** How many of its last bytes deserve every second edit. */
  tail?: number;
  /** Reads an input; throws `Violation` when what comes out breaks a promise. Any other error must look like `refusal`. */
  read: (bytes: Uint8Array, random: Random) => AsyncIterable<unknown>;
  /** Whether an error is one that a caller is told to expect. */
  refusal: (error: Error) => boolean;
}

export class Violation extends Error {}

const FILE_CODES = new Set(["NOT_JSON", "NOT_UTF8", "NOT_A_ROW", "CUT_OFF", "TOO_LONG", "BAD_ARCHIVE", "BAD_PARQUET"]);
const fileRefusal = (error: Error): boolean =>
  FILE_CODES.has((error as { code?: string }).code ?? "") && error.message.startsWith("fuzz: in");
const formatRefusal = (error: Error): boolean =>
  fileRefusal(error) || (error instanceof TypeError && /^to[A-Z]\w+: row \d+/.test(error.message));

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
const pairs = Array.from({ length: 12 }, (_, n) => {
  const turns = (answer: string) => [
    { role: "user", content: `Q${n}` },
    { from: "gpt", value: answer },
  ];
  return {
    prompt_id: `p${n}`,
    ...(n % 2 ? { prompt: `Q${n}` } : {}),
    chosen: turns("yes"),
    rejected: turns("no"),
    score_chosen: 4,
  };
});
const rated = Array.from({ length: 6 }, (_, n) => ({
  instruction: `Write ${n}`,
  models: ["a"],
  completions: [
    {
      model: "a",
      response: "First.",
      overall_score: 8.5,
      "fine-grained_score": "4.25",
      annotations: { honesty: { Rating: "N/A", Rationale: "r" }, helpfulness: { Type: ["1"], Rating: "4", Rationale: "r" } },
    },
  ],
}));

const lines = (list: readonly object[]) => Buffer.from(list.map((row) => `${JSON.stringify(row)}\n`).join(""));
const jsonl =
  (compression: Compression) =>
  (bytes: Uint8Array, random: Random): AsyncIterable<object> =>
    parseJsonl(decompressed(chunked(bytes, random), compression, "in", "fuzz"), "in", "fuzz");

export function bufferOf(bytes: Uint8Array): AsyncBuffer {
  return { byteLength: bytes.length, slice: async (start, end = bytes.length) => bytes.slice(start, end).buffer as ArrayBuffer };
}

async function* checkRows(source: AsyncIterable<unknown>): AsyncGenerator<object> {
  for await (const row of source) {
    if (typeof row !== "object" || row === null || Array.isArray(row)) throw new Violation(`gave ${String(row)}`);
    yield row;
  }
}

const folder = resolve("/cache/snapshots/commit");

/** A name from the Hub either is refused or lies below its folder. All names are looked at before the first refusal is passed on. */
async function* hubNames(bytes: Uint8Array): AsyncGenerator<string> {
  let refused: unknown;
  for (const name of Buffer.from(bytes).toString("utf8").split("\n")) {
    try {
      checkFileName(name, "fuzz: in");
    } catch (error) {
      refused ??= error;
      continue;
    }
    const below = resolve(folder, name).startsWith(folder + sep);
    if (!below || /[\0\\]/.test(name)) throw new Violation(`${JSON.stringify(name)} gets out`);
    yield name;
  }
  if (refused !== undefined) throw refused;
}

/** What the Hub answers for a file list, once it is JSON. */
async function* hubFileList(bytes: Uint8Array): AsyncGenerator<object> {
  let body: unknown;
  try {
    body = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return;
  }
  for (const file of parseFileList(body)) {
    const sound = typeof file.path === "string" && Number.isSafeInteger(file.size) && /^[0-9a-f]{40,64}$/.test(file.checksum);
    if (!sound) throw new Violation(`lists ${JSON.stringify(file)}`);
    yield file;
  }
}

const names = ["data/train-00000-of-00002.parquet", "a/.../..b/c", "x/.y./z", "C;/a", "e/.g/..f", "config.json"];
const fileList = names.map((path, n) => ({
  type: "file",
  path,
  size: 10 * n,
  oid: "0123456789abcdef0123456789abcdef01234567",
  ...(n % 2 ? { lfs: { oid: "ab".repeat(32), size: 7, pointerSize: 1 } } : {}),
}));

/** Every reader with its seed. */
export async function fuzzReaders(): Promise<FuzzReader[]> {
  const parquet = (await parquetSeeds(rows)).map(({ name, bytes }) => ({
    name: `parquet ${name}`,
    seed: bytes,
    tail: Buffer.from(bytes).readUInt32LE(bytes.length - 8) + 8,
    read: (input: Uint8Array) => checkRows(readParquetBuffer(bufferOf(input), "in", "fuzz")),
    refusal: fileRefusal,
  }));
  const text = (name: string, seed: Uint8Array, read: FuzzReader["read"], refusal = fileRefusal): FuzzReader => ({
    name,
    seed,
    read: (bytes, random) => checkRows(read(bytes, random)),
    refusal,
  });
  const hub = (error: Error) => /^(fuzz: in: the Hub lists|the Hub)/.test(error.message);
  return [
    text("jsonl", lines(rows), jsonl("none")),
    text("json", Buffer.from(JSON.stringify(rows)), (bytes, random) => parseJson(chunked(bytes, random), "in", "fuzz")),
    text("gzip", gzipSync(lines(rows)), jsonl("gzip")),
    text("zstd", Buffer.concat([zstdCompressSync(lines(rows)), zstdCompressSync(lines(pairs))]), jsonl("zstd")),
    ...parquet,
    text(
      "preferences",
      lines(pairs),
      (bytes, random) => toPreferenceRows()(jsonl("none")(bytes, random) as never),
      formatRefusal,
    ),
    text("ratings", lines(rated), (bytes, random) => toRatedRows()(jsonl("none")(bytes, random)), formatRefusal),
    { name: "hub names", seed: Buffer.from(names.join("\n")), read: hubNames, refusal: hub },
    { name: "hub file list", seed: Buffer.from(JSON.stringify(fileList)), read: hubFileList, refusal: hub },
  ];
}
