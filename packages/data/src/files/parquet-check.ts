import type { ColumnMetaData, Compressors, FileMetaData, SchemaElement } from "hyparquet";
import { coded } from "./file-error.ts";
import { structEnd, varint } from "./thrift-check.ts";

/** What decodes to arrays must not grow without bound from a few bytes: runs of equal values cost nothing in the file. */
const MOST_PAGE_VALUES = 2 ** 24;
const MOST_PAGE_BYTES = 2 ** 28;
const MOST_LIST_VALUES = 2 ** 27;
const FREE_LIST_VALUES = 2 ** 23;
const LIST_VALUES_PER_BYTE = 512;
/** A group that unpacks to more than this, and to more than 256 times its bytes, is no data but a bomb. */
const FREE_GROUP_BYTES = 2 ** 28;
const UNPACKED_PER_BYTE = 256;

/** Writers pad runs to whole groups of eight; more than this beyond the values that a page has is a lie. */
const PADDING = 1024;

/** Numbers of page types and encodings in the format's specification. */
const PAGE = { data: 0, index: 1, dictionary: 2, dataV2: 3 };
const ENCODING = { plainDictionary: 2, rle: 3, deltaBinary: 5, deltaByteArray: 7, rleDictionary: 8 };

interface Levels {
  repetition: number;
  definition: number;
}

/** How often values of a column may repeat and be absent on their way down the schema. */
export function levelsOf(schema: SchemaElement[], path: readonly string[]): Levels {
  let at = 0;
  const levels = { repetition: 0, definition: 0 };
  for (const name of path) {
    let child = at + 1;
    for (let left = schema[at]?.num_children ?? 0; left > 0 && schema[child]?.name !== name; left--)
      child = afterSubtree(schema, child);
    const element = schema[child];
    if (element?.name !== name) throw new RangeError(`the schema has no column ${path.join(".")}`);
    if (element.repetition_type === "REPEATED") levels.repetition++;
    if (element.repetition_type !== "REQUIRED") levels.definition++;
    at = child;
  }
  return levels;
}

function afterSubtree(schema: SchemaElement[], at: number): number {
  let next = at + 1;
  for (let left = schema[at]?.num_children ?? 0; left > 0 && next < schema.length; left--) next = afterSubtree(schema, next);
  return next;
}

/** Follows the run headers of an RLE / bit-packed stream and refuses one that would yield more than its values. */
function checkRuns(bytes: Uint8Array, start: number, end: number, width: number, values: number): void {
  let at = start;
  for (let seen = 0; seen < values && at < end; ) {
    const header = varint(bytes, at);
    const count = header.value % 2 === 1 ? ((header.value - 1) / 2) * 8 : header.value / 2;
    if (count > values - seen + PADDING) throw new RangeError(`a run claims ${count} values where ${values - seen} are left`);
    seen += count;
    at = header.end + (header.value % 2 === 1 ? (count / 8) * width : Math.ceil(width / 8));
  }
}

function bitsFor(level: number): number {
  return 32 - Math.clz32(level);
}

function u32(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) throw new RangeError("a length runs past the end of its page");
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

/** The values of a page, from `start` on. */
function checkValues(page: Uint8Array, start: number, encoding: number, type: string, values: number): void {
  if (encoding === ENCODING.rle || (type === "BOOLEAN" && encoding === ENCODING.rleDictionary)) {
    if (start < page.length) checkRuns(page, start + 4, start + 4 + u32(page, start), 1, values);
  } else if (encoding === ENCODING.plainDictionary || encoding === ENCODING.rleDictionary) {
    if (start < page.length) checkRuns(page, start + 1, page.length, page[start]!, values);
  } else if (encoding === ENCODING.deltaBinary || encoding === ENCODING.deltaByteArray - 1) {
    const block = varint(page, start);
    const miniblocks = varint(page, block.end);
    if (block.value > 2 ** 20 || miniblocks.value < 1 || miniblocks.value > 1024) {
      throw new RangeError(`a delta block claims ${block.value} values in ${miniblocks.value} parts`);
    }
  } else if (encoding === ENCODING.deltaByteArray) {
    throw new RangeError("the encoding DELTA_BYTE_ARRAY is not supported");
  }
}

interface PageHeader {
  field_1: number;
  field_2: number;
  field_3: number;
  field_5?: { field_1: number; field_2: number };
  field_7?: { field_1: number };
  field_8?: { field_1: number; field_4: number; field_5: number; field_6: number; field_7?: boolean };
}

function checkDataPage(
  header: PageHeader,
  body: Uint8Array,
  unpack: (bytes: Uint8Array, size: number) => Uint8Array,
  type: string,
  levels: Levels,
): void {
  const { field_5: one, field_8: two } = header;
  if (one) {
    const page = unpack(body, header.field_2);
    let at = 0;
    for (const level of [levels.repetition, levels.definition]) {
      if (level === 0) continue;
      const size = u32(page, at);
      checkRuns(page, at + 4, page.length, bitsFor(level), one.field_1);
      at += 4 + size;
    }
    checkValues(page, at, one.field_2, type, one.field_1);
  } else if (two) {
    const repetitionEnd = two.field_6;
    const levelsEnd = repetitionEnd + two.field_5;
    if (!(repetitionEnd >= 0 && levelsEnd >= repetitionEnd && levelsEnd <= body.length))
      throw new RangeError("a page's levels are longer than the page");
    if (levels.repetition > 0) checkRuns(body, 0, repetitionEnd, bitsFor(levels.repetition), two.field_1);
    if (levels.definition > 0) checkRuns(body, repetitionEnd, levelsEnd, bitsFor(levels.definition), two.field_1);
    const packed = body.subarray(levelsEnd);
    const page = two.field_7 === false ? packed : unpack(packed, header.field_2 - levelsEnd);
    checkValues(page, 0, two.field_4, type, two.field_1);
  }
}

/** Refuses what only an attack on memory would hold; such a file may agree with itself in every number. */
function checkSize(bytes: number, most: number, what: string): void {
  if (bytes > most) throw coded(new RangeError(`${what} ${bytes}, at most ${most} are taken`), "TOO_LONG");
}

/** Refuses a group whose columns unpack to far more than any honest text would. */
export function checkExpansion(packed: number, unpacked: number): void {
  checkSize(unpacked, Math.max(FREE_GROUP_BYTES, packed * UNPACKED_PER_BYTE), `its ${packed} bytes unpack to`);
}

/**
 * Walks the pages of a column chunk and refuses counts and run lengths that do not fit the bytes and the group, before the decoder,
 * which trusts them, allocates by them: a page of a few bytes can claim two thousand million values. Returns the unpacked size.
 */
export async function checkColumnChunk(
  bytes: Uint8Array<ArrayBuffer>,
  column: ColumnMetaData,
  rows: number,
  schema: SchemaElement[],
  compressors: Compressors,
): Promise<number> {
  const { deserializeTCompactProtocol } = await import("hyparquet/src/thrift.js");
  const levels = levelsOf(schema, column.path_in_schema);
  const claimed = Number(column.num_values);
  if (!(claimed >= 0 && (levels.repetition > 0 || claimed <= rows)))
    throw new RangeError(`it claims ${claimed} values in ${rows} rows`);
  if (levels.repetition > 0) {
    const most = Math.min(MOST_LIST_VALUES, Math.max(FREE_LIST_VALUES, bytes.length * LIST_VALUES_PER_BYTE));
    checkSize(claimed, most, "the number of its list entries is");
  }
  const decompress = compressors[column.codec];
  const unpack = (packed: Uint8Array, size: number): Uint8Array => {
    if (column.codec === "UNCOMPRESSED") return packed;
    if (!decompress) throw new RangeError(`the codec ${column.codec} is not supported`);
    return size === 0 ? packed.subarray(0, 0) : decompress(packed, size);
  };
  let left = claimed;
  let unpackedBytes = 0;
  for (let at = 0; at < bytes.length - 1; ) {
    const bodyStart = structEnd(bytes, at);
    const header = deserializeTCompactProtocol({
      view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      offset: at,
    }) as unknown as PageHeader;
    const { field_1: type, field_2: unpacked, field_3: packed } = header;
    const end = bodyStart + packed;
    if (!(packed >= 0 && end <= bytes.length && unpacked >= 0))
      throw new RangeError(`a page claims ${packed} bytes, ${unpacked} unpacked`);
    checkSize(unpacked, MOST_PAGE_BYTES, "the bytes of a page are");
    unpackedBytes += unpacked;
    const values = header.field_5?.field_1 ?? header.field_7?.field_1 ?? header.field_8?.field_1 ?? 0;
    if (!(values >= 0 && values <= (type === PAGE.dictionary ? unpacked * 8 : left)))
      throw new RangeError(`a page claims ${values} values where ${left} are left`);
    checkSize(values, MOST_PAGE_VALUES, "the values of a page are");
    if (type === PAGE.data || type === PAGE.dataV2) {
      left -= values;
      checkDataPage(header, bytes.subarray(bodyStart, end), unpack, column.type, levels);
    }
    at = end;
  }
  if (left > 0) throw new RangeError(`its pages hold ${claimed - left} of ${claimed} values`);
  return unpackedBytes;
}

/** Refuses a footer that lacks what the reader goes by, and a schema whose tree does not fit its list. */
export function checkMetadata({ schema, row_groups: groups }: FileMetaData): void {
  if (!Array.isArray(schema) || !Array.isArray(groups)) throw new RangeError("it has no schema or no row groups");
  for (const [index, group] of groups.entries()) {
    if (!Array.isArray(group?.columns)) throw new RangeError(`row group ${index} has no columns`);
    for (const column of group.columns) {
      const path = column?.meta_data?.path_in_schema;
      if (!Array.isArray(path) || path.length === 0 || !path.every((name) => typeof name === "string"))
        throw new RangeError(`row group ${index} has a column without a path`);
    }
  }
  if (afterSubtree(schema, 0) !== schema.length) throw new RangeError(`the schema's tree has not ${schema.length} elements`);
}
