import type { ColumnChunk, SchemaElement } from "hyparquet";
import type { Packer } from "./codecs.ts";
import { type BufferPool, equalBytes, GrowingBytes } from "./growing-bytes.ts";
import { BooleanValues, NumberValues } from "./number-values.ts";
import { bitsFor, encodeRuns } from "./runs.ts";
import { ENCODING, type PageValues, TextValues } from "./text-values.ts";

/** A page is cut after the row that makes it this long, or that many entries long. */
const PAGE_BYTES = 2 ** 20;
const PAGE_ENTRIES = 2 ** 18;

/** Numbers of page types in the format's specification. */
const PAGE = { dictionary: 2, dataV2: 3 } as const;

interface Values {
  /** Bytes that the present page takes so far. */
  readonly size: number;
  append(value: string | number | boolean): void;
  mark(): void;
  rollback(): void;
  takePage(): PageValues;
  takeDictionary?(): { entries: number; bytes: Uint8Array<ArrayBuffer> } | undefined;
}

function valuesFor(type: SchemaElement["type"], pool: BufferPool): Values {
  if (type === "DOUBLE") return NumberValues.doubles() as Values;
  if (type === "INT32") return NumberValues.integers() as Values;
  return type === "BOOLEAN" ? (new BooleanValues() as Values) : (new TextValues(pool) as Values);
}

/** A Thrift struct by the numbers of its fields. */
export interface ThriftFields {
  [field: `field_${number}`]: number | boolean | ThriftFields;
}

/** What a column chunk's pages become on their way to the file. */
interface Page {
  header: (bodyBytes: number, packed: boolean) => ThriftFields;
  /** Repetition and definition levels, which are never packed. */
  levels: Uint8Array;
  values: Uint8Array<ArrayBuffer>;
  packed: Uint8Array | Promise<Uint8Array>;
  /** A dictionary page is always packed; a data page only where that makes it smaller. */
  mustPack: boolean;
}

/** The values of a group's pages so far. */
export type SharedPages = Pick<Page, "values" | "packed">[];

/** What all columns of a file have in common. */
export interface ColumnContext {
  packer: Packer;
  pool: BufferPool;
  /** Empty at the start of a group. In the published preference files `messages` repeats `chosen`: pages that are equal are packed once. */
  shared: SharedPages;
  /** Serializes a Thrift struct. */
  thrift: (fields: ThriftFields) => Uint8Array;
}

/** A leaf of the schema: takes its values and levels row by row and turns them into pages. */
export class ColumnWriter {
  readonly path: string[];
  readonly #type: NonNullable<SchemaElement["type"]>;
  readonly #context: ColumnContext;
  readonly #values: Values;
  readonly #most: { repetition: number; definition: number };
  #repetitions = new Uint8Array(1024);
  #definitions = new Uint8Array(1024);
  #entries = 0;
  #present = 0;
  #mark = { entries: 0, present: 0 };
  #rowsInPage = 0;
  #chunk = { pages: [] as Page[], entries: 0, encodings: new Set<number>() };

  constructor(
    {
      path,
      type,
      repetition,
      definition,
    }: { path: string[]; type: SchemaElement["type"]; repetition: number; definition: number },
    context: ColumnContext,
  ) {
    this.path = path;
    this.#type = type ?? "BYTE_ARRAY";
    this.#context = context;
    this.#values = valuesFor(type, context.pool);
    this.#most = { repetition, definition };
  }

  /** An entry that ends above the leaf: a null, or an empty list, or none of its structs. */
  absent(repetition: number, definition: number): void {
    const at = this.#entries++;
    if (at === this.#definitions.length) this.#grow();
    this.#repetitions[at] = repetition;
    this.#definitions[at] = definition;
  }

  present(value: string | number | boolean, repetition: number): void {
    this.absent(repetition, this.#most.definition);
    this.#present++;
    this.#values.append(value);
  }

  #grow(): void {
    for (const name of ["repetitions", "definitions"] as const) {
      const old = name === "repetitions" ? this.#repetitions : this.#definitions;
      const larger = new Uint8Array(2 * old.length);
      larger.set(old);
      if (name === "repetitions") this.#repetitions = larger;
      else this.#definitions = larger;
    }
  }

  startRow(): void {
    this.#mark.entries = this.#entries;
    this.#mark.present = this.#present;
    this.#values.mark();
  }

  /** Takes the present row back. */
  undoRow(): void {
    this.#entries = this.#mark.entries;
    this.#present = this.#mark.present;
    this.#values.rollback();
  }

  endRow(): void {
    this.#rowsInPage++;
    if (this.#values.size >= PAGE_BYTES || this.#entries >= PAGE_ENTRIES) this.#endPage();
  }

  #endPage(): void {
    const { repetition, definition } = this.#most;
    const levels = new GrowingBytes(64, this.#context.pool);
    if (repetition > 0) encodeRuns(this.#repetitions, this.#entries, bitsFor(repetition), levels);
    const repetitionBytes = levels.used;
    encodeRuns(this.#definitions, this.#entries, bitsFor(definition), levels);
    const definitionBytes = levels.used - repetitionBytes;
    const [entries, rows, nulls] = [this.#entries, this.#rowsInPage, this.#entries - this.#present];
    const { encoding, bytes: values } = this.#values.takePage();
    this.#chunk.encodings.add(encoding);
    this.#chunk.entries += entries;
    const header = (bodyBytes: number, packed: boolean) => ({
      field_1: PAGE.dataV2,
      field_2: levels.used + values.length,
      field_3: levels.used + bodyBytes,
      field_8: {
        field_1: entries,
        field_2: nulls,
        field_3: rows,
        field_4: encoding,
        field_5: definitionBytes,
        field_6: repetitionBytes,
        field_7: packed,
      },
    });
    this.#chunk.pages.push(this.#packing({ header, levels: levels.bytes, values, mustPack: false }));
    this.#entries = 0;
    this.#present = 0;
    this.#rowsInPage = 0;
  }

  #packing(page: Omit<Page, "packed">): Page {
    const { shared, pool, packer } = this.#context;
    const equal = shared.find(({ values }) => values.length === page.values.length && equalBytes(values, page.values));
    if (equal) {
      pool.give(page.values);
      return { ...page, ...equal };
    }
    const packed = packer.pack(page.values);
    // It is awaited when the group is written; until then a failure must not count as unhandled.
    if (packed instanceof Promise) packed.catch(() => undefined);
    shared.push({ values: page.values, packed });
    return { ...page, packed };
  }

  /** Ends the group's chunk of this column; the rows after it belong to the next. */
  endChunk(): PendingChunk {
    if (this.#rowsInPage > 0) this.#endPage();
    const { pages, entries, encodings } = this.#chunk;
    this.#chunk = { pages: [], entries: 0, encodings: new Set() };
    const dictionary = this.#values.takeDictionary?.();
    if (dictionary) {
      const { entries: count, bytes: values } = dictionary;
      const header = (bodyBytes: number) => ({
        field_1: PAGE.dictionary,
        field_2: values.length,
        field_3: bodyBytes,
        field_7: { field_1: count, field_2: ENCODING.plain },
      });
      pages.unshift(this.#packing({ header, levels: new Uint8Array(0), values, mustPack: true }));
      encodings.add(ENCODING.plain);
    }
    return { write: (append) => this.#write(pages, append), chunk: (written) => this.#metadata(written, entries, encodings) };
  }

  async #write(pages: readonly Page[], append: (bytes: Uint8Array) => Promise<void>): Promise<WrittenChunk> {
    const written: WrittenChunk = { bytes: 0, unpackedBytes: 0, dictionaryBytes: 0 };
    for (const { header, levels, values, packed, mustPack } of pages) {
      const body = await packed;
      const smaller = mustPack || body.length < values.length;
      const chosen = smaller ? body : values;
      const head = this.#context.thrift(header(chosen.length, smaller));
      for (const part of [head, levels, chosen]) if (part.length > 0) await append(part);
      const size = head.length + levels.length + chosen.length;
      written.bytes += size;
      written.unpackedBytes += head.length + levels.length + values.length;
      if (mustPack) written.dictionaryBytes = size;
    }
    return written;
  }

  #metadata(
    { start, bytes, unpackedBytes, dictionaryBytes }: WrittenChunk & { start: number },
    entries: number,
    encodings: Set<number>,
  ): ColumnChunk {
    const names = { [ENCODING.plain]: "PLAIN", [ENCODING.rleDictionary]: "RLE_DICTIONARY" } as const;
    return {
      file_offset: 0n,
      meta_data: {
        type: this.#type,
        encodings: ["RLE", ...[...encodings].sort((a, b) => a - b).map((number) => names[number as 0 | 8])],
        path_in_schema: this.path,
        codec: this.#context.packer.codec,
        num_values: BigInt(entries),
        total_uncompressed_size: BigInt(unpackedBytes),
        total_compressed_size: BigInt(bytes),
        data_page_offset: BigInt(start + dictionaryBytes),
        ...(dictionaryBytes > 0 ? { dictionary_page_offset: BigInt(start) } : {}),
      },
    };
  }
}

interface WrittenChunk {
  bytes: number;
  unpackedBytes: number;
  dictionaryBytes: number;
}

/** A column chunk whose pages may still be in other threads. */
export interface PendingChunk {
  write(append: (bytes: Uint8Array) => Promise<void>): Promise<WrittenChunk>;
  chunk(written: WrittenChunk & { start: number }): ColumnChunk;
}
