import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { writeRows } from "../src/files/write-rows.ts";
import { rowsOf } from "../src/pipe.ts";

/** Written by DuckDB and pyarrow: see the README of that folder. */
const FOREIGN = new URL("../src/fixtures/parquet/", import.meta.url).pathname;

/** Small Parquet files of every codec, page version and encoding that there is a writer for. */
export async function parquetSeeds(
  rows: readonly { id: string; flag: boolean; score: number; messages: readonly { content: string }[] }[],
): Promise<{ name: string; bytes: Uint8Array }[]> {
  const folder = mkdtempSync(join(tmpdir(), "zephyr-fuzz-"));
  const { path } = await writeRows(join(folder, "seed.parquet"), rowsOf(rows));
  const own = new Uint8Array(readFileSync(path));
  rmSync(folder, { recursive: true });
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const columnData = [
    { name: "text", data: rows.map((row) => (row.flag ? row.id : row.messages[0]!.content)) },
    { name: "score", data: rows.map((row) => (row.flag ? row.score : null)), nullable: true, type: "DOUBLE" as const },
    { name: "same", data: rows.map(() => "one text in a dictionary") },
    { name: "big", data: rows.map((_, n) => BigInt(n)), encoding: "DELTA_BINARY_PACKED" as const },
    { name: "lengths", data: rows.map((row) => row.id), encoding: "DELTA_LENGTH_BYTE_ARRAY" as const },
    { name: "flag", data: rows.map((row) => row.flag) },
  ];
  const gzip = { codec: "GZIP" as const, compressors: { GZIP: (input: Uint8Array) => gzipSync(input) } };
  return [
    { name: "zstd", bytes: own },
    { name: "plain", bytes: new Uint8Array(parquetWriteBuffer({ columnData, codec: "UNCOMPRESSED" })) },
    { name: "snappy", bytes: new Uint8Array(parquetWriteBuffer({ columnData })) },
    { name: "gzip", bytes: new Uint8Array(parquetWriteBuffer({ columnData, ...gzip })) },
    ...["duckdb-snappy", "duckdb-zstd", "duckdb-plain", "pyarrow-nested-v1", "pyarrow-nested-v2"].map((file) => ({
      name: file.replaceAll("-", " "),
      bytes: new Uint8Array(readFileSync(join(FOREIGN, `${file}.parquet`))),
    })),
  ];
}
