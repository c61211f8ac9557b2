import type { AsyncBuffer, ColumnMetaData } from "hyparquet";
import type { Unpacker } from "./codecs.ts";
import { chunkRange, type LeafColumn } from "./footer.ts";
import { checkExpansion, checkListValues, checkPage } from "./limits.ts";
import type { PageValues, ValueDecoder } from "./page-values.ts";
import { bitsFor, decodeRuns } from "./runs.ts";
import { structEnd } from "./thrift-check.ts";

/** A chunk up to this size is read at once, a larger one in blocks. */
const WHOLE_CHUNK_BYTES = 2 ** 22;
const BLOCK_BYTES = 2 ** 20;
const MOST_HEADER_BYTES = 2 ** 24;

/** Numbers of page types and of the one obsolete encoding of levels in the format's specification. */
const PAGE = { data: 0, dictionary: 2, dataV2: 3 } as const;
const BIT_PACKED = 4;

/** Entries of a column: a level each, and a value for those whose definition is the column's largest. */
export interface Page {
  entries: number;
  repetitions: Uint8Array | undefined;
  definitions: Uint8Array | undefined;
  values: PageValues;
  /** No page of the group comes after it. */
  last: boolean;
}

/** Bytes of a row group, packed and unpacked, of all the columns that are read. */
export interface GroupBytes {
  packed: number;
  unpacked: number;
}

interface PageHeader {
  field_1: number;
  field_2: number;
  field_3: number;
  field_5?: { field_1: number; field_2: number; field_3: number; field_4: number };
  field_7?: { field_1: number; field_2: number };
  field_8?: { field_1: number; field_4: number; field_5: number; field_6: number; field_7?: boolean };
}

type ParseHeader = (reader: { view: DataView; offset: number }) => unknown;

/** What the chunks of one column have in common. */
export interface ChunkContext {
  file: AsyncBuffer;
  leaf: LeafColumn;
  decoder: ValueDecoder;
  unpackerOf: (codec: string) => Unpacker;
  parseHeader: ParseHeader;
}

/** Bytes of a file, read in blocks from the front to the back. */
class Blocks {
  readonly #file: AsyncBuffer;
  readonly #end: number;
  readonly #size: number;
  #bytes = new Uint8Array(0);
  at: number;

  constructor(file: AsyncBuffer, { start, end }: { start: number; end: number }) {
    this.#file = file;
    this.#end = end;
    this.#size = end - start <= WHOLE_CHUNK_BYTES ? WHOLE_CHUNK_BYTES : BLOCK_BYTES;
    this.at = start;
  }

  get left(): number {
    return this.#end - this.at;
  }

  /** At least so many bytes from here on, or all there are. */
  async peek(size: number): Promise<Uint8Array> {
    if (this.#bytes.length < Math.min(size, this.left)) {
      const end = Math.min(this.#end, this.at + Math.max(size, this.#size));
      this.#bytes = new Uint8Array(await this.#file.slice(this.at, end));
    }
    return this.#bytes;
  }

  skip(size: number): void {
    this.#bytes = this.#bytes.subarray(size);
    this.at += size;
  }

  async take(size: number): Promise<Uint8Array> {
    if (!(size >= 0 && size <= this.left)) throw new RangeError(`a page claims ${size} bytes where ${this.left} are left`);
    const bytes = (await this.peek(size)).subarray(0, size);
    this.skip(size);
    return bytes;
  }
}

async function nextHeader(blocks: Blocks, parse: ParseHeader): Promise<PageHeader> {
  for (let size = 256; ; size *= 4) {
    const bytes = await blocks.peek(size);
    let end: number;
    try {
      end = structEnd(bytes, 0);
    } catch (cause) {
      if (bytes.length < blocks.left && size < MOST_HEADER_BYTES) continue;
      throw cause;
    }
    const header = parse({ view: new DataView(bytes.buffer, bytes.byteOffset, end), offset: 0 }) as PageHeader;
    blocks.skip(end);
    return header;
  }
}

function countOf(levels: Uint8Array, level: number): number {
  let count = 0;
  for (let i = 0; i < levels.length; i++) if (levels[i] === level) count++;
  return count;
}

/** Fills levels from runs; refuses one that is larger than the column's largest. */
function levelsFrom(bytes: Uint8Array, start: number, end: number, most: number, entries: number): Uint8Array {
  const levels = new Uint8Array(entries);
  decodeRuns(bytes, start, end, bitsFor(most), levels);
  if (most + 1 !== 2 ** bitsFor(most)) {
    for (let i = 0; i < entries; i++) if (levels[i]! > most) throw new RangeError(`a level is ${levels[i]}, at most ${most}`);
  }
  return levels;
}

function u32(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) throw new RangeError("a length runs past the end of its page");
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

/** The pages of a column chunk, one after another, each checked before anything is allocated by its numbers. */
export async function* chunkPages(
  context: ChunkContext,
  column: ColumnMetaData,
  rows: number,
  group: GroupBytes,
): AsyncGenerator<Page> {
  const { file, leaf, decoder, unpackerOf, parseHeader } = context;
  const range = chunkRange(column, file.byteLength);
  const claimed = Number(column.num_values);
  if (!(claimed >= 0 && (leaf.repetition > 0 || claimed <= rows)))
    throw new RangeError(`it claims ${claimed} values in ${rows} rows`);
  if (leaf.repetition > 0) checkListValues(claimed, range.end - range.start);
  if (leaf.definition > 255) throw new RangeError(`it is nested ${leaf.definition} levels deep`);
  const unpack = unpackerOf(column.codec);
  const blocks = new Blocks(file, range);
  let dictionary: unknown[] | undefined;
  for (let left = claimed; left > 0; ) {
    if (blocks.left === 0) throw new RangeError(`its pages hold ${claimed - left} of ${claimed} values`);
    const header = await nextHeader(blocks, parseHeader);
    const { field_1: type, field_2: unpacked, field_3: packed } = header;
    if (!(unpacked >= 0)) throw new RangeError(`a page claims ${unpacked} bytes unpacked`);
    const body = await blocks.take(packed);
    const values = header.field_5?.field_1 ?? header.field_7?.field_1 ?? header.field_8?.field_1 ?? 0;
    checkPage(unpacked, values);
    group.unpacked += unpacked;
    checkExpansion(group.packed, group.unpacked);
    if (!(values >= 0 && values <= (type === PAGE.dictionary ? unpacked * 8 : left)))
      throw new RangeError(`a page claims ${values} values where ${left} are left`);
    if (type === PAGE.dictionary) {
      dictionary = decoder.dictionary(await unpack(body, unpacked), values);
    } else if (type === PAGE.data || type === PAGE.dataV2) {
      const page = await (type === PAGE.data ? dataPage(header, body, unpack, leaf) : dataPageV2(header, body, unpack, leaf));
      const present = page.definitions ? countOf(page.definitions, leaf.definition) : values;
      left -= values;
      const { repetitions, definitions, bytes, start, encoding } = page;
      yield {
        entries: values,
        repetitions,
        definitions,
        values: decoder.page(bytes, start, encoding, present, dictionary),
        last: left === 0,
      };
    }
  }
}

interface DataPage {
  repetitions: Uint8Array | undefined;
  definitions: Uint8Array | undefined;
  /** Where the values are. */
  bytes: Uint8Array;
  start: number;
  encoding: number;
}

/** A page of the first version: the levels lie packed before the values, each with its length. */
async function dataPage(header: PageHeader, body: Uint8Array, unpack: Unpacker, leaf: LeafColumn): Promise<DataPage> {
  const { field_5: data, field_2: unpacked } = header;
  if (!data) throw new RangeError("a data page has no header of its own");
  const bytes = await unpack(body, unpacked);
  let start = 0;
  const levels = (most: number, encoding: number): Uint8Array | undefined => {
    if (most === 0) return undefined;
    if (encoding === BIT_PACKED) throw new RangeError("levels in the obsolete encoding BIT_PACKED are not supported");
    const from = start + 4;
    start = from + u32(bytes, start);
    if (start > bytes.length) throw new RangeError("a page's levels are longer than the page");
    return levelsFrom(bytes, from, start, most, data.field_1);
  };
  const repetitions = levels(leaf.repetition, data.field_4);
  const definitions = levels(leaf.definition, data.field_3);
  return { repetitions, definitions, bytes, start, encoding: data.field_2 };
}

/** A page of the second version: the levels come first and are not packed. */
async function dataPageV2(header: PageHeader, body: Uint8Array, unpack: Unpacker, leaf: LeafColumn): Promise<DataPage> {
  const { field_8: data, field_2: unpacked } = header;
  if (!data) throw new RangeError("a data page has no header of its own");
  const { field_1: entries, field_4: encoding, field_5: definitionBytes, field_6: repetitionBytes } = data;
  const start = repetitionBytes + definitionBytes;
  if (!(repetitionBytes >= 0 && definitionBytes >= 0 && start <= body.length && start <= unpacked))
    throw new RangeError("a page's levels are longer than the page");
  const levels = (most: number, from: number, end: number): Uint8Array | undefined =>
    most > 0 ? levelsFrom(body, from, end, most, entries) : undefined;
  const repetitions = levels(leaf.repetition, 0, repetitionBytes);
  const definitions = levels(leaf.definition, repetitionBytes, start);
  const packed = body.subarray(start);
  const bytes = data.field_7 === false ? packed : await unpack(packed, unpacked - start);
  return { repetitions, definitions, bytes, start: 0, encoding };
}
