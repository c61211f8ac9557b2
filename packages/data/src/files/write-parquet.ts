import type { SchemaElement } from "hyparquet";
import type { ParquetWriter as HyparquetWriter } from "hyparquet-writer";
import type { Sink } from "./atomic-file.ts";
import { checkWritable } from "./check-writable.ts";
import { isRow } from "./jsonl.ts";
import { builtin } from "./node-builtins.ts";
import { fit, needsFit, parquetSchema, type Shape, shapeKey, widen } from "./parquet-schema.ts";
import { readParquet } from "./read-parquet.ts";

/** Readers decode whole groups, so a group is what a reader holds in memory. */
const ROWS_PER_GROUP = 1000;

type Codec = { codec: "ZSTD" | "GZIP"; compressors: Record<string, (input: Uint8Array) => Uint8Array> };

/** Native compression: zstd, or gzip in a runtime whose zlib has no zstd (both are read by pyarrow, polars and datasets). */
function nativeCodec(caller: string): Codec {
  const zlib = builtin("node:zlib", caller);
  if (typeof zlib.zstdCompressSync !== "function") {
    return { codec: "GZIP", compressors: { GZIP: (input) => zlib.gzipSync(input, { level: 1 }) } };
  }
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: 1 };
  return { codec: "ZSTD", compressors: { ZSTD: (input) => zlib.zstdCompressSync(input, { params }) } };
}

interface GroupWriter {
  write(rows: object[], shape: Shape): Promise<void>;
  finish(): Promise<void>;
}

async function openGroups(sink: Sink, schema: SchemaElement[], caller: string): Promise<GroupWriter> {
  const { ByteWriter, ParquetWriter } = await import("hyparquet-writer");
  const bytes = new ByteWriter();
  const flush = async () => {
    await sink.append(bytes.getBytes());
    bytes.index = 0;
  };
  const writer: HyparquetWriter = new ParquetWriter({
    writer: bytes,
    schema,
    statistics: false,
    createdBy: "zephyr",
    ...nativeCodec(caller),
  });
  return {
    write: async (rows, shape) => {
      const columnData = [...shape.fields!].map(([name, column]) => {
        const convert = needsFit(column);
        const data = rows.map((row) => {
          const value = (row as Record<string, unknown>)[name];
          return convert ? fit(value, column) : (value ?? undefined);
        });
        return { name, data, encoding: "PLAIN" as const };
      });
      await writer.write({ columnData, rowGroupSize: Math.max(rows.length, 1) });
      await flush();
    },
    finish: async () => {
      await writer.finish();
      await flush();
    },
  };
}

/**
 * Writes rows as Parquet in groups of 1,000; returns how many. The schema is what the rows hold: when a later row needs a wider
 * one (a new column, a real number among whole ones), the part already written is rewritten with it.
 */
export async function writeParquet(
  rows: AsyncIterable<object>,
  { sink, path, caller }: { sink: Sink; path: string; caller: string },
): Promise<number> {
  const { promises: fs } = builtin("node:fs", caller);
  const shape: Shape = { kind: "struct", fields: new Map() };
  let key = "";
  let writer: GroupWriter | undefined;
  let count = 0;

  async function openFor(): Promise<GroupWriter> {
    const next = shapeKey(shape);
    if (writer && next === key) return writer;
    const before = writer;
    key = next;
    await before?.finish();
    const copy = before ? await sink.restart() : undefined;
    writer = await openGroups(sink, parquetSchema(shape), caller);
    if (!copy) return writer;
    for await (const group of groupsOf(readParquet(copy, caller))) await writer.write(group, shape);
    await fs.rm(copy);
    return writer;
  }

  for await (const group of groupsOf(rows)) {
    for (const [i, row] of group.entries()) describe(row, count + i, shape, path, caller);
    await (await openFor()).write(group, shape);
    count += group.length;
  }
  if (!writer)
    throw new Error(`${caller}: ${path}: there are no rows, so the columns of a Parquet file are unknown; write .jsonl instead`);
  await writer.finish();
  return count;
}

function describe(row: unknown, index: number, shape: Shape, path: string, caller: string): void {
  if (!isRow(row)) throw new TypeError(`${caller}: ${path}: row ${index} is not an object`);
  checkWritable(row, index, path, caller);
  const conflict = widen(shape, row, "");
  if (conflict)
    throw new TypeError(
      `${caller}: ${path}: row ${index}: ${conflict}, which a Parquet column cannot; write .jsonl or make them alike`,
    );
}

async function* groupsOf<R>(rows: AsyncIterable<R>): AsyncGenerator<R[]> {
  let group: R[] = [];
  for await (const row of rows) {
    group.push(row);
    if (group.length < ROWS_PER_GROUP) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
