import type { AsyncBuffer, SchemaTree } from "hyparquet";
import { coded } from "../files/file-error.ts";
import { builtin } from "../files/node-builtins.ts";
import { rowReader } from "./assemble-rows.ts";
import type { GroupBytes } from "./chunk-pages.ts";
import { unpackers } from "./codecs.ts";
import { ColumnReader } from "./column-reader.ts";
import { leafColumns, readFooter } from "./footer.ts";
import { checkExpansion, codeOf } from "./limits.ts";
import { valueDecoder } from "./page-values.ts";

type ParquetRow = Record<string, unknown>;

/** A file as hyparquet reads it: slices of an open handle. */
async function openBuffer(path: string, caller: string): Promise<{ buffer: AsyncBuffer; close: () => Promise<void> }> {
  const handle = await builtin("node:fs", caller).promises.open(path, "r");
  const { size } = await handle.stat();
  const slice = async (start: number, end: number = size): Promise<ArrayBuffer> => {
    if (!(start >= 0 && start <= end && end <= size))
      throw new RangeError(`bytes ${start} to ${end} lie outside the file of ${size} bytes`);
    const bytes = new Uint8Array(end - start);
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done);
      if (bytesRead === 0) throw new RangeError(`the file ends at byte ${start + done}, before ${end}`);
      done += bytesRead;
    }
    return bytes.buffer;
  };
  return { buffer: { byteLength: size, slice }, close: () => handle.close() };
}

/** The schema without the columns that were not asked for. */
function pickColumns(root: SchemaTree, columns: string[] | undefined, place: string): SchemaTree {
  if (!columns) return root;
  const names = root.children.map(({ element }) => element.name);
  const absent = columns.find((column) => !names.includes(column));
  if (absent !== undefined)
    throw coded(new RangeError(`${place}: has no column "${absent}", only ${names.join(", ")}`), "NO_COLUMN");
  return { ...root, children: root.children.filter(({ element }) => columns.includes(element.name)) };
}

/** The rows of a Parquet file in memory or on disk; see `readParquet`. `place` names it in errors. */
export async function* readParquetBuffer(
  file: AsyncBuffer,
  place: string,
  caller: string,
  columns?: string[],
): AsyncGenerator<ParquetRow> {
  const fail = (part: string, cause: unknown): Error => {
    if ((cause as NodeJS.ErrnoException).syscall) return cause as Error;
    const message = `${caller}: ${place}: ${part}${(cause as Error).message}; the file is damaged, or holds what this reader does not take`;
    return coded(new Error(message, { cause }), codeOf(cause));
  };
  const { metadata, root } = await readFooter(file).catch((cause) => {
    throw fail("footer: ", cause);
  });
  const picked = pickColumns(root, columns, `${caller}: ${place}`);
  const all = leafColumns(root);
  const wanted = new Set(picked.children.map(({ element }) => element.name));
  const indices = [...all.keys()].filter((i) => wanted.has(all[i]!.path[0]!));
  const groups: GroupBytes[] = metadata.row_groups.map(({ columns: chunks }) => {
    const sizes = indices.map((i) => chunks[i]!.meta_data!);
    return { packed: sizes.reduce((sum, { total_compressed_size }) => sum + Number(total_compressed_size), 0), unpacked: 0 };
  });
  for (const [index, { columns: chunks }] of metadata.row_groups.entries()) {
    const claimed = indices.reduce((sum, i) => sum + Number(chunks[i]!.meta_data!.total_uncompressed_size), 0);
    try {
      checkExpansion(groups[index]!.packed, claimed);
    } catch (cause) {
      throw fail(`row group ${index}: `, cause);
    }
  }
  const { deserializeTCompactProtocol: parseHeader } = await import("hyparquet/src/thrift.js");
  const unpackerOf = await unpackers(caller);
  let row = 0;
  let group = 0;
  try {
    const decoders = await Promise.all(indices.map((i) => valueDecoder(all[i]!, caller)));
    const readers = indices.map((index, i) => {
      const context = { file, leaf: all[index]!, decoder: decoders[i]!, unpackerOf, parseHeader };
      return new ColumnReader(context, index, metadata, groups);
    });
    const read = await rowReader(picked, readers);
    const rows = metadata.row_groups.reduce((sum, { num_rows }) => sum + Number(num_rows), 0);
    while (row < rows) {
      let ready = rows - row;
      for (const reader of readers) {
        if (reader.ready === 0) await reader.advance();
        ready = Math.min(ready, reader.ready);
        group = reader.group;
      }
      if (ready === 0) throw new RangeError("a column ends before the others");
      for (const end = row + ready; row < end; row++) yield read();
      for (const reader of readers) reader.ready -= ready;
    }
  } catch (cause) {
    throw fail((cause as Error).message.startsWith("row group") ? "" : `row group ${group}, row ${row}: `, cause);
  }
}

/**
 * The rows of a Parquet file, a page or two of each column in memory at a time. Lists and groups become arrays and objects; a null
 * column is left out of its row, as it is in JSON Lines.
 */
export async function* readParquet(path: string, caller: string, columns?: string[]): AsyncGenerator<ParquetRow> {
  const { buffer, close } = await openBuffer(path, caller);
  try {
    yield* readParquetBuffer(buffer, path, caller, columns);
  } finally {
    await close();
  }
}
