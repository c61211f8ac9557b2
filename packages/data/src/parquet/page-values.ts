import type { Buffer as NodeBuffer } from "node:buffer";
import type { ColumnDecoder, DecodedArray } from "hyparquet/src/types.js";
import { builtin } from "../files/node-builtins.ts";
import type { LeafColumn } from "./footer.ts";
import { decodeRuns } from "./runs.ts";
import { varint } from "./thrift-check.ts";

/** Numbers of encodings in the format's specification. */
const ENCODING = {
  plain: 0,
  plainDictionary: 2,
  rle: 3,
  deltaBinary: 5,
  deltaLengths: 6,
  deltaBytes: 7,
  rleDictionary: 8,
  split: 9,
} as const;

/** The values of a page, which come one after another; the caller asks for no more than there are. */
export interface PageValues {
  next(): unknown;
}

/** Turns the bytes of pages of one column into values. */
export interface ValueDecoder {
  /** All values of a dictionary page. */
  dictionary(bytes: Uint8Array, count: number): unknown[];
  page(bytes: Uint8Array, start: number, encoding: number, count: number, dictionary: unknown[] | undefined): PageValues;
}

function listed(values: ArrayLike<unknown>): PageValues {
  let at = 0;
  return { next: () => values[at++] };
}

function indexed(dictionary: readonly unknown[], indices: Int32Array): PageValues {
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    if (index < 0 || index >= dictionary.length) throw new RangeError(`value ${index} of a dictionary of ${dictionary.length}`);
  }
  let at = 0;
  return { next: () => dictionary[indices[at++]!] };
}

/** Values after those that a page before left over. */
export function joined(before: readonly unknown[], after: PageValues): PageValues {
  let at = 0;
  return { next: () => (at < before.length ? before[at++] : after.next()) };
}

/** Texts: a length of 4 bytes and the UTF-8 bytes, decoded when asked for. */
function texts(bytes: NodeBuffer, start: number, isUtf8: (bytes: Uint8Array) => boolean): PageValues {
  let at = start;
  return {
    next: () => {
      if (at + 4 > bytes.length) throw new RangeError("a text starts after the end of its page");
      const from = at + 4;
      at = from + bytes.readUInt32LE(at);
      if (at > bytes.length) throw new RangeError(`a text claims ${at - from} bytes where ${bytes.length - from} are left`);
      const text = bytes.toString("utf8", from, at);
      // What is no UTF-8 is decoded to replacement characters, which may also stand in the file as such.
      if (text.includes("\ufffd") && !isUtf8(bytes.subarray(from, at))) throw new RangeError("a text is not UTF-8");
      return text;
    },
  };
}

function bits(bytes: Uint8Array, start: number): PageValues {
  let at = 8 * start;
  return { next: () => ((bytes[at >> 3]! >> (at++ & 7)) & 1) === 1 };
}

/** How many bytes a plain value takes at least, in eighths. */
const LEAST_BITS = { BOOLEAN: 1, INT32: 32, INT64: 64, INT96: 96, FLOAT: 32, DOUBLE: 64, BYTE_ARRAY: 32 } as const;

/** A value as JSON would hold it: BigInt as number, dates as ISO text; absent and null columns are left out. */
export function plain(value: unknown, key: string): unknown {
  if (typeof value === "bigint") {
    if (!Number.isSafeInteger(Number(value))) throw new RangeError(`"${key}" holds ${value}, too large for a number`);
    return Number(value);
  }
  if (value === undefined) return null;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((entry) => plain(entry ?? null, key));
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number | bigint>, Number);
  const entries = Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined);
  return Object.fromEntries(entries.map(([name, entry]) => [name, plain(entry, name)]));
}

type Kind = "text" | "DOUBLE" | "FLOAT" | "INT32" | "BOOLEAN" | "other";

/** What is decoded here; the rest is left to hyparquet. */
function kindOf({ element, schemaPath }: LeafColumn): Kind {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (schemaPath.some((node) => node.element.logical_type?.type === "VARIANT")) return "other";
  const bare = converted === undefined && logical === undefined;
  if (type === "BYTE_ARRAY") {
    const text = (converted === undefined || converted === "UTF8") && (logical === undefined || logical.type === "STRING");
    return text ? "text" : "other";
  }
  return bare && (type === "DOUBLE" || type === "FLOAT" || type === "INT32" || type === "BOOLEAN") ? type : "other";
}

/** Makes the decoder of a column. */
export async function valueDecoder(leaf: LeafColumn, caller: string): Promise<ValueDecoder> {
  const { Buffer, isUtf8 } = builtin("node:buffer", caller);
  const { type, type_length: length } = leaf.element;
  if (!type) throw new RangeError("it has no type");
  const name = leaf.path.at(-1)!;
  const kind = kindOf(leaf);
  const other = await otherDecoder(leaf);

  const plainValues = (bytes: Uint8Array, start: number, count: number): PageValues => {
    const least = type === "FIXED_LEN_BYTE_ARRAY" ? 8 * (length ?? 0) : LEAST_BITS[type];
    if (least === 0 || start + Math.ceil((count * least) / 8) > bytes.length)
      throw new RangeError(`${count} values of type ${type} do not fit ${bytes.length - start} bytes`);
    if (kind === "text") return texts(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), start, isUtf8);
    if (kind === "BOOLEAN") return bits(bytes, start);
    if (kind === "other") return other(bytes, start, ENCODING.plain, count);
    const from = bytes.byteOffset + start;
    const numbers = bytes.buffer.slice(from, from + (count * least) / 8);
    return listed(
      kind === "DOUBLE" ? new Float64Array(numbers) : kind === "FLOAT" ? new Float32Array(numbers) : new Int32Array(numbers),
    );
  };

  return {
    dictionary: (bytes, count) => {
      const values = plainValues(bytes, 0, count);
      return Array.from({ length: count }, () => values.next());
    },
    page: (bytes, start, encoding, count, dictionary) => {
      if (count === 0) return listed([]);
      if (encoding === ENCODING.plain) return plainValues(bytes, start, count);
      if (encoding === ENCODING.rle && type === "BOOLEAN") {
        if (start + 4 > bytes.length) throw new RangeError("its values have no length");
        const values = new Uint8Array(count);
        decodeRuns(bytes, start + 4, bytes.length, 1, values);
        let at = 0;
        return { next: () => values[at++] === 1 };
      }
      if (encoding === ENCODING.rleDictionary || encoding === ENCODING.plainDictionary) {
        if (!dictionary) throw new RangeError("a page goes by a dictionary that is not there");
        if (start >= bytes.length) throw new RangeError("its values have no width");
        const indices = new Int32Array(count);
        decodeRuns(bytes, start + 1, bytes.length, bytes[start]!, indices);
        return indexed(dictionary, indices);
      }
      if (kind === "other" || encoding !== ENCODING.rle) return other(bytes, start, encoding, count);
      throw new RangeError(`the encoding ${encoding} is not supported for ${name}`);
    },
  };
}

type OtherDecoder = (bytes: Uint8Array, start: number, encoding: number, count: number) => PageValues;

/** The types and encodings that seldom occur, decoded by hyparquet. */
async function otherDecoder({ element, schemaPath, path }: LeafColumn): Promise<OtherDecoder> {
  const [{ convert, DEFAULT_PARSERS }, { readPlain }, delta, { byteStreamSplit }] = await Promise.all([
    import("hyparquet/src/convert.js"),
    import("hyparquet/src/plain.js"),
    import("hyparquet/src/delta.js"),
    import("hyparquet/src/encoding.js"),
  ]);
  const type = element.type!;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const parsers = { ...DEFAULT_PARSERS, stringFromBytes: (bytes: Uint8Array) => bytes && decoder.decode(bytes) };
  const settings = { element, schemaPath, parsers, type, pathInSchema: path, codec: "UNCOMPRESSED" } as ColumnDecoder;
  const variant = schemaPath.some((node) => node.element.logical_type?.type === "VARIANT");

  const decode: (...args: Parameters<OtherDecoder>) => DecodedArray = (bytes, start, encoding, count) => {
    // Lengths that lie would reach past the page into what its buffer holds beside it: a copy has nothing beside it.
    const reader = { view: new DataView(new Uint8Array(bytes.subarray(start)).buffer), offset: 0 };
    if (encoding === ENCODING.plain) return readPlain(reader, type, count, element.type_length);
    if (encoding === ENCODING.split) {
      const least = type === "FIXED_LEN_BYTE_ARRAY" ? 8 * (element.type_length ?? 0) : LEAST_BITS[type];
      if (start + (count * least) / 8 > bytes.length) throw new RangeError(`${count} values do not fit ${bytes.length} bytes`);
      return byteStreamSplit(reader, count, type, element.type_length);
    }
    if (encoding === ENCODING.deltaBinary) {
      checkDelta(bytes, start);
      const values = type === "INT32" ? new Int32Array(count) : new BigInt64Array(count);
      delta.deltaBinaryUnpack(reader, count, values);
      return values;
    }
    if (encoding === ENCODING.deltaLengths) {
      checkDelta(bytes, start);
      const values: Uint8Array[] = new Array(count);
      delta.deltaLengthByteArray(reader, count, values);
      return values;
    }
    throw new RangeError(
      encoding === ENCODING.deltaBytes ? "the encoding DELTA_BYTE_ARRAY is not supported" : `the encoding ${encoding} is unknown`,
    );
  };
  return (bytes, start, encoding, count) => {
    const values = convert(decode(bytes, start, encoding, count), settings);
    let at = 0;
    return { next: variant ? () => values[at++] : () => plain(values[at++], path.at(-1)!) };
  };
}

function checkDelta(bytes: Uint8Array, start: number): void {
  const block = varint(bytes, start);
  const miniblocks = varint(bytes, block.end);
  if (block.value > 2 ** 20 || miniblocks.value < 1 || miniblocks.value > 1024)
    throw new RangeError(`a delta block claims ${block.value} values in ${miniblocks.value} parts`);
}
