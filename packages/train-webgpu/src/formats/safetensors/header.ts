import { formatError, quote } from "../format-error.ts";
import { isJsonObject, type JsonObject, type JsonValue, strictJson } from "../json/strict-json.ts";
import { DTYPES, type Dtype, isDtype, tensorBytes } from "./dtype.ts";

/** The longest header that is read, in bytes: the limit of the reference implementation. */
export const MAX_HEADER_BYTES = 100_000_000;
const MAX_DIMENSIONS = 32;
const MAX_TENSORS = 1_000_000;

/** Where a tensor lies: bytes `begin` (inclusive) to `end` (exclusive), counted from the start of the file. */
export interface TensorLocation {
  dtype: Dtype;
  shape: number[];
  begin: number;
  end: number;
}

export interface SafetensorsHeader {
  tensors: Map<string, TensorLocation>;
  metadata: Record<string, string>;
}

/** What a writer is told about a tensor beforehand. */
export interface TensorPlan {
  name: string;
  dtype: Dtype;
  shape: readonly number[];
}

const refuse = (where: string, what: string, cause?: unknown) =>
  formatError("ERR_SAFETENSORS", `parseHeader: ${what}; ${where} is damaged or no safetensors file`, cause);

/**
 * Bytes from the start of the file to the end of its header, from the file's first 8 bytes.
 *
 * Throws `ERR_SAFETENSORS` where the length cannot be true for a file of `fileSize` bytes.
 */
export function headerBytes(firstBytes: Uint8Array, fileSize: number, where = "the file"): number {
  if (firstBytes.length < 8 || fileSize < 10) throw refuse(where, `the file has ${fileSize} bytes, a header alone needs 10`);
  const length = new DataView(firstBytes.buffer, firstBytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) throw refuse(where, `header length is ${length}, the limit is ${MAX_HEADER_BYTES}`);
  if (8n + length > BigInt(fileSize))
    throw refuse(where, `header of ${length} bytes reaches past the end of a file of ${fileSize} bytes`);
  return 8 + Number(length);
}

/**
 * Parses and checks the header of a safetensors file, given its first bytes (all of the header, or more) and its size.
 *
 * Nothing in the header is believed: offsets must tile the data without hole or overlap to the very end of the file, and agree with
 * dtype and shape. Throws `ERR_SAFETENSORS` naming the tensor.
 *
 * @example const { tensors } = parseHeader(new Uint8Array(await file.arrayBuffer()), file.size);
 */
export function parseHeader(bytes: Uint8Array, fileSize: number, where = "the file"): SafetensorsHeader {
  const dataStart = headerBytes(bytes, fileSize, where);
  if (bytes.length < dataStart) throw refuse(where, `only ${bytes.length} of the header's ${dataStart} bytes were given`);
  const json = parseJson(bytes.subarray(8, dataStart), where);
  const metadata = parseMetadata(json["__metadata__"], where);
  const names = Object.keys(json).filter((name) => name !== "__metadata__");
  if (names.length > MAX_TENSORS) throw refuse(where, `it names ${names.length} tensors, the limit is ${MAX_TENSORS}`);
  const located = names.map((name): [string, TensorLocation] => [name, parseTensor(name, json[name]!, dataStart, where)]);
  located.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  checkTiling(located, dataStart, fileSize, where);
  return { tensors: new Map(located), metadata };
}

function parseJson(bytes: Uint8Array, where: string): JsonObject {
  if (bytes[0] !== 0x7b) throw refuse(where, `the header does not begin with "{"`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const json = strictJson(text, { maxDepth: 4 });
    if (isJsonObject(json)) return json;
  } catch (cause) {
    throw refuse(
      where,
      `the header is not the UTF-8 JSON it should be (${cause instanceof Error ? cause.message : cause})`,
      cause,
    );
  }
  throw refuse(where, "the header is no JSON object");
}

function parseMetadata(json: JsonValue | undefined, where: string): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null);
  if (json === undefined) return metadata;
  if (!isJsonObject(json)) throw refuse(where, "__metadata__ is no object");
  for (const [key, value] of Object.entries(json)) {
    if (typeof value !== "string") throw refuse(where, `__metadata__ ${quote(key)} is no string`);
    metadata[key] = value;
  }
  return metadata;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseTensor(name: string, json: JsonValue, dataStart: number, where: string): TensorLocation {
  const tensor = `tensor ${quote(name)}`;
  if (!isJsonObject(json)) throw refuse(where, `${tensor} is described by no object`);
  const { dtype, shape, data_offsets: offsets, ...rest } = json;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw refuse(where, `${tensor} has an unknown field ${quote(unknown)}`);
  if (!isDtype(dtype))
    throw refuse(where, `${tensor} has dtype ${quote(JSON.stringify(dtype) ?? "none")}, known are ${DTYPES.join(", ")}`);
  if (!Array.isArray(shape) || shape.length > MAX_DIMENSIONS || !shape.every(isCount)) {
    throw refuse(where, `${tensor} has a shape that is no list of at most ${MAX_DIMENSIONS} whole numbers`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw refuse(where, `${tensor} has data_offsets that are not two whole numbers`);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end) throw refuse(where, `${tensor} ends (${end}) before it begins (${begin})`);
  const expected = tensorBytes(dtype, shape);
  if (expected !== end - begin) {
    throw refuse(
      where,
      `${tensor} (${dtype} [${shape}]) needs ${expected ?? "a fraction or too many"} bytes, its offsets span ${end - begin}`,
    );
  }
  return { dtype, shape, begin: dataStart + begin, end: dataStart + end };
}

function checkTiling(located: [string, TensorLocation][], dataStart: number, fileSize: number, where: string): void {
  let previousEnd = dataStart;
  for (const [name, { begin, end }] of located) {
    if (begin !== previousEnd) {
      const fault = begin < previousEnd ? "overlaps the tensor before it" : "leaves a hole before it";
      throw refuse(where, `tensor ${quote(name)} begins at byte ${begin} where ${previousEnd} is due: it ${fault}`);
    }
    if (end > fileSize)
      throw refuse(where, `tensor ${quote(name)} ends at byte ${end}, past the end of a file of ${fileSize} bytes`);
    previousEnd = end;
  }
  if (previousEnd !== fileSize) throw refuse(where, `the tensors end at byte ${previousEnd}, the file at ${fileSize}`);
}

/** The order in which Hugging Face's writer lays tensors out: widest dtype first, then by name. */
export function layoutOrder<T extends TensorPlan>(plans: readonly T[]): T[] {
  const rank = (plan: T) => DTYPES.indexOf(plan.dtype);
  return [...plans].sort((a, b) => rank(b) - rank(a) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/**
 * The header bytes (length prefix and padding included) of a file that will hold these tensors in `layoutOrder`.
 *
 * Byte for byte what Hugging Face's writer gives for one metadata entry (its order of several is random).
 * Throws `RangeError` for a name that stands twice or a shape that has no exact size.
 */
export function buildHeader(plans: readonly TensorPlan[], metadata: Record<string, string>): Uint8Array<ArrayBuffer> {
  const names = new Set<string>();
  const parts = Object.keys(metadata).length > 0 ? [`"__metadata__":${JSON.stringify(metadata)}`] : [];
  let offset = 0;
  for (const { name, dtype, shape } of layoutOrder(plans)) {
    const bytes = shape.every(isCount) ? tensorBytes(dtype, shape) : undefined;
    if (bytes === undefined)
      throw new RangeError(`buildHeader: ${name} (${dtype} [${shape}]) has no exact size in bytes; check its shape`);
    if (names.has(name) || name === "__metadata__") {
      throw new RangeError(`buildHeader: tensor name "${name}" is taken; give each tensor its own name`);
    }
    names.add(name);
    parts.push(`${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${offset},${offset + bytes}]}`);
    offset += bytes;
  }
  const json = new TextEncoder().encode(`{${parts.join(",")}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return header;
}
