import type { AsyncBuffer, ColumnMetaData, Compressors, FileMetaData, RowGroup } from "hyparquet";
import { coded, type FileErrorCode } from "./file-error.ts";
import { builtin } from "./node-builtins.ts";
import { checkColumnChunk, checkExpansion, checkMetadata } from "./parquet-check.ts";
import { structEnd } from "./thrift-check.ts";

/** A group that decodes to more than this is read in windows of rows, so that memory stays bounded. */
const WINDOW_BYTES = 128 * 1024 * 1024;
/** Rows of a window: a million rows of nothing take next to no bytes in the file, but objects in memory. */
const WINDOW_ROWS = 2 ** 17;

const MAGIC = "PAR1";

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

/** Native codecs where the runtime has them, bounded by the size that the page's header names. */
async function decompressors(caller: string): Promise<Compressors> {
  const { compressors } = await import("hyparquet-compressors");
  const zlib = builtin("node:zlib", caller);
  const native: Compressors = {
    GZIP: (input, length) => zlib.gunzipSync(input, { maxOutputLength: length + 1 }),
    BROTLI: (input, length) => zlib.brotliDecompressSync(input, { maxOutputLength: length + 1 }),
  };
  if (typeof zlib.zstdDecompressSync === "function") {
    native.ZSTD = (input, length) => zlib.zstdDecompressSync(input, { maxOutputLength: length + 1 });
  }
  return { ...compressors, ...native };
}

/** A value as JSON would hold it: BigInt as number, dates as ISO text; absent and null columns are left out. */
function plain(value: unknown, key: string): unknown {
  if (typeof value === "bigint") {
    if (!Number.isSafeInteger(Number(value))) throw new RangeError(`column "${key}" holds ${value}, too large for a number`);
    return Number(value);
  }
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = plain(value[i] ?? null, key);
    return value;
  }
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number | bigint>, Number);
  const object = value as ParquetRow;
  for (const name of Object.keys(object)) {
    const entry = object[name];
    if (entry === null || entry === undefined) delete object[name];
    else if (typeof entry === "object" || typeof entry === "bigint") object[name] = plain(entry, name);
  }
  return object;
}

/** The footer, once its lengths are known to fit the file. */
async function readMetadata(file: AsyncBuffer): Promise<FileMetaData> {
  const { parquetMetadata } = await import("hyparquet");
  if (file.byteLength < 12) throw new RangeError(`${file.byteLength} bytes are too few`);
  const tail = new Uint8Array(await file.slice(file.byteLength - 8, file.byteLength));
  const magic = new TextDecoder().decode(tail.subarray(4));
  if (magic !== MAGIC) throw new RangeError(`ends with ${JSON.stringify(magic)}, not ${MAGIC}`);
  const size = new DataView(tail.buffer).getUint32(0, true);
  if (size + 12 > file.byteLength) throw new RangeError(`claims ${size} bytes of metadata in ${file.byteLength}`);
  const footer = await file.slice(file.byteLength - 8 - size, file.byteLength);
  structEnd(new Uint8Array(footer, 0, size), 0);
  const metadata = parquetMetadata(footer, { geoparquet: false });
  checkMetadata(metadata);
  return metadata;
}

function checkColumns({ row_groups: groups }: FileMetaData, columns: string[] | undefined, place: string): void {
  const names = new Set(groups[0]?.columns.map(({ meta_data }) => meta_data?.path_in_schema[0]));
  const absent = columns?.find((column) => groups.length > 0 && !names.has(column));
  if (absent === undefined) return;
  throw coded(new RangeError(`${place}: has no column "${absent}", only ${[...names].join(", ")}`), "NO_COLUMN");
}

/** Where a column chunk lies, once that is known to be inside the file. */
function chunkRange(column: ColumnMetaData, fileBytes: number): [number, number] {
  const start = Number(column.dictionary_page_offset || column.data_page_offset);
  const end = start + Number(column.total_compressed_size);
  if (!(start >= 4 && end >= start && end <= fileBytes))
    throw new RangeError(`column ${column.path_in_schema.join(".")} lies outside the file`);
  return [start, end];
}

/** The group's rows and unpacked bytes, once all its pages are known to be what they claim. */
async function checkGroup(
  group: RowGroup,
  file: AsyncBuffer,
  { schema }: FileMetaData,
  compressors: Compressors,
  columns?: string[],
): Promise<{ rows: number; bytes: number }> {
  const rows = Number(group.num_rows);
  if (!Number.isSafeInteger(rows) || rows < 0 || rows > 2 ** 31) throw new RangeError(`it claims ${group.num_rows} rows`);
  let [packed, unpacked] = [0, 0];
  if (rows === 0) return { rows, bytes: 0 };
  for (const { meta_data } of group.columns) {
    if (!meta_data) throw new RangeError("a column has no metadata");
    const [start, end] = chunkRange(meta_data, file.byteLength);
    if (columns && !columns.includes(meta_data.path_in_schema[0]!)) continue;
    try {
      const bytes = new Uint8Array(await file.slice(start, end));
      packed += bytes.length;
      unpacked += await checkColumnChunk(bytes, meta_data, rows, schema, compressors);
      checkExpansion(packed, unpacked);
    } catch (cause) {
      const error = new RangeError(`column ${meta_data.path_in_schema.join(".")}: ${(cause as Error).message}`, { cause });
      throw coded(error, codeOf(cause));
    }
  }
  return { rows, bytes: unpacked };
}

/** Memory is the one thing that an honest file can be at fault for. */
function codeOf(cause: unknown): FileErrorCode {
  return (cause as { code?: unknown }).code === "TOO_LONG" ? "TOO_LONG" : "BAD_PARQUET";
}

function windowRows(rows: number, bytes: number): number {
  const fitting = bytes > WINDOW_BYTES ? Math.floor((rows * WINDOW_BYTES) / bytes) : rows;
  return Math.max(1, Math.min(fitting, WINDOW_ROWS));
}

/** The rows of a Parquet file in memory or on disk; see `readParquet`. `place` names it in errors. */
export async function* readParquetBuffer(
  file: AsyncBuffer,
  place: string,
  caller: string,
  columns?: string[],
): AsyncGenerator<ParquetRow> {
  const { parquetReadObjects } = await import("hyparquet");
  const fail = (part: string, cause: unknown): Error => {
    if ((cause as NodeJS.ErrnoException).syscall) return cause as Error;
    const message = `${caller}: ${place}: ${part}: ${(cause as Error).message}; the file is damaged, or holds what this reader does not take`;
    return coded(new Error(message, { cause }), codeOf(cause));
  };
  const metadata = await readMetadata(file).catch((cause) => {
    throw fail("footer", cause);
  });
  checkColumns(metadata, columns, `${caller}: ${place}`);
  const compressors = await decompressors(caller);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const parsers = { stringFromBytes: (bytes: Uint8Array) => bytes && decoder.decode(bytes) };
  let groupStart = 0;
  for (const [index, group] of metadata.row_groups.entries()) {
    const { rows, bytes } = await checkGroup(group, file, metadata, compressors, columns).catch((cause) => {
      throw fail(`row group ${index}`, cause);
    });
    const size = windowRows(rows, bytes);
    for (let rowStart = groupStart; rowStart < groupStart + rows; rowStart += size) {
      const rowEnd = Math.min(rowStart + size, groupStart + rows);
      let window: ParquetRow[];
      try {
        // An offset index could point into the middle of a page, past all that was checked.
        const options = { file, metadata, rowStart, rowEnd, compressors, parsers, useOffsetIndex: false };
        window = await parquetReadObjects(columns ? { ...options, columns } : options);
        for (const row of window) plain(row, "");
        if (window.length !== rowEnd - rowStart) throw new RangeError(`holds ${window.length} rows of ${rowEnd - rowStart}`);
      } catch (cause) {
        throw fail(`row group ${index}, rows ${rowStart} to ${rowEnd - 1}`, cause);
      }
      yield* window;
    }
    groupStart += rows;
  }
}

/**
 * The rows of a Parquet file, one row group (or window of a large one) in memory at a time. Lists and groups become arrays and
 * objects; a null column is left out of its row, as it is in JSON Lines.
 */
export async function* readParquet(path: string, caller: string, columns?: string[]): AsyncGenerator<ParquetRow> {
  const { buffer, close } = await openBuffer(path, caller);
  try {
    yield* readParquetBuffer(buffer, path, caller, columns);
  } finally {
    await close();
  }
}
