import type { RowGroup, SchemaElement } from "hyparquet";
import type { Sink } from "../files/atomic-file.ts";
import { checkWritable } from "../files/check-writable.ts";
import { isRow } from "../files/jsonl.ts";
import { builtin } from "../files/node-builtins.ts";
import { nativePacker } from "./codecs.ts";
import type { ThriftFields } from "./column-writer.ts";
import { type EncodedGroup, rowEncoder } from "./encode-rows.ts";
import { BufferPool } from "./growing-bytes.ts";
import { readParquet } from "./read-parquet.ts";
import { parquetSchema, type Shape, shapeKey, widen } from "./shape.ts";

/** What a reader that decodes whole groups holds in memory; the number that `datasets` writes. */
const ROWS_PER_GROUP = 1000;

/**
 * So many rows show the first schema. They are held until then, and no more of them: V8 learns from objects that live on to allocate all of
 * their kind where only its slow collector looks, which for a whole group costs 100 MiB for the rest of the run.
 */
const FIRST_ROWS = 64;

const MAGIC = new TextEncoder().encode("PAR1");

/** A Parquet file that is being written with one schema. */
interface GroupWriter {
  /** Appends a row; false when the schema does not hold it. */
  append(row: object): boolean;
  /** Ends the row group. It is packed and written while the next one fills. */
  endGroup(): Promise<void>;
  finish(): Promise<void>;
}

async function openGroups(sink: Sink, shape: Shape, caller: string): Promise<GroupWriter> {
  const { ByteWriter } = await import("hyparquet-writer");
  const { serializeTCompactProtocol } = await import("hyparquet-writer/src/thrift.js");
  const { writeMetadata } = await import("hyparquet-writer/src/metadata.js");
  const schema: SchemaElement[] = parquetSchema(shape);
  const thrift = (fields: ThriftFields): Uint8Array => {
    const writer = new ByteWriter(128);
    serializeTCompactProtocol(writer, fields);
    return writer.getBytes();
  };
  const pool = new BufferPool(caller);
  const encoder = rowEncoder(shape, { packer: nativePacker(caller), pool, shared: [], thrift });
  const groups: RowGroup[] = [];
  let [rows, offset] = [0, 0];
  const append = async (bytes: Uint8Array): Promise<void> => {
    await sink.append(bytes);
    offset += bytes.length;
  };
  let writing: Promise<void> = append(MAGIC);

  async function writeGroup(count: number, { chunks, pages }: EncodedGroup): Promise<void> {
    const start = offset;
    const columns = [];
    let unpackedBytes = 0;
    for (const { write, chunk } of chunks) {
      const chunkStart = offset;
      const written = await write(append);
      unpackedBytes += written.unpackedBytes;
      columns.push(chunk({ start: chunkStart, ...written }));
    }
    for (const { values } of pages) pool.give(values);
    const total_compressed_size = BigInt(offset - start);
    groups.push({ columns, total_byte_size: BigInt(unpackedBytes), num_rows: BigInt(count), total_compressed_size });
  }

  async function endGroup(): Promise<void> {
    if (rows === 0) return;
    const [count, group] = [rows, encoder.endGroup()];
    rows = 0;
    await writing;
    writing = writeGroup(count, group);
    // It is awaited with the next group; until then a failure must not count as unhandled.
    writing.catch(() => undefined);
  }

  return {
    append: (row) => {
      const fits = encoder.append(row);
      if (fits) rows++;
      return fits;
    },
    endGroup,
    finish: async () => {
      await endGroup();
      await writing;
      const footer = new ByteWriter(4096);
      const num_rows = groups.reduce((sum, group) => sum + group.num_rows, 0n);
      writeMetadata(footer, { version: 2, created_by: "zephyr", schema, num_rows, row_groups: groups, metadata_length: 0 });
      await append(footer.getBytes());
      await append(MAGIC);
    },
  };
}

/**
 * Writes rows as Parquet in groups of 1,000; returns how many. The schema is what the rows hold: when a later row needs a wider
 * one (a new column, a real number among whole ones), the part already written is rewritten with it, at most once a group.
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
  /** The first rows of all; later those of the present group from the first on that needs a wider schema. */
  let held: object[] | undefined = [];

  const put = (row: object, index: number): void => {
    if (!writer!.append(row)) throw new Error(`${caller}: ${path}: row ${index} does not fit the schema that was made for it`);
  };

  async function openFor(): Promise<void> {
    const next = shapeKey(shape);
    if (writer && next === key) return;
    const before = writer;
    key = next;
    await before?.finish();
    const copy = before ? await sink.restart() : undefined;
    writer = await openGroups(sink, shape, caller);
    if (!copy) return;
    let index = 0;
    for await (const row of readParquet(copy, caller)) {
      put(row, index++);
      if (index % ROWS_PER_GROUP === 0) await writer.endGroup();
    }
    await fs.rm(copy);
  }

  async function putHeld(): Promise<void> {
    if (held && held.length > 0) {
      await openFor();
      for (const [i, row] of held.entries()) put(row, count - held.length + i);
    }
    held = undefined;
  }

  async function endGroup(): Promise<void> {
    await putHeld();
    await writer?.endGroup();
  }

  for await (const row of rows) {
    if (held || !writer!.append(row)) {
      describe(row, count, shape, path, caller);
      held ??= [];
      held.push(row);
    }
    count++;
    if (count === FIRST_ROWS) await putHeld();
    else if (count % ROWS_PER_GROUP === 0) await endGroup();
  }
  await endGroup();
  if (!writer || shape.fields!.size === 0) {
    const lacking = writer ? "the rows hold no columns" : "there are no rows, so the columns are unknown";
    throw new Error(`${caller}: ${path}: ${lacking}, and a Parquet file needs some; write .jsonl instead`);
  }
  await writer.finish();
  return count;
}

function describe(row: unknown, index: number, shape: Shape, path: string, caller: string): void {
  if (!isRow(row)) throw new TypeError(`${caller}: ${path}: row ${index} is not an object`);
  checkWritable(row, index, path, caller);
  const conflict = widen(shape, row, "");
  if (conflict)
    throw new TypeError(
      `${caller}: ${path}: row ${index}: ${conflict}, which a Parquet column cannot; write .jsonl or repair the rows`,
    );
}
