import { NF4_BLOCK } from "../formats/nf4/nf4.ts";
import type { StorageFormat, Tensor } from "./tensor.ts";

/** Whole rows of a matrix that fit one storage binding. */
export interface Slab {
  tensor: Tensor;
  firstRow: number;
  rows: number;
}

/** Storage bindings start at multiples of this many bytes, the largest alignment any adapter asks for. */
const ALIGNMENT = 256;
/** Elements after which the data, and an NF4 tensor's scales, are aligned again. */
const ALIGNED_ELEMENTS: Record<StorageFormat, number> = {
  f32: ALIGNMENT / 4,
  bf16: ALIGNMENT / 2,
  f16: ALIGNMENT / 2,
  nf4: (ALIGNMENT / 2) * NF4_BLOCK,
};
const BITS: Record<StorageFormat, number> = { f32: 32, bf16: 16, f16: 16, nf4: 4 };

export const formatOf = (tensor: Tensor): StorageFormat => tensor.format ?? "f32";

/** Elements that a tensor holds, counting those that only fill its last word. */
export const elementsOf = (tensor: Tensor): number => (tensor.bytes * 8) / BITS[formatOf(tensor)];

/** Bytes of a tensor of `elements` in a format, without its scales; whole words. */
export const bytesOf = (format: StorageFormat, elements: number): number => Math.ceil((elements * BITS[format]) / 32) * 4;

/** Bytes of the scales of an NF4 tensor. */
export const scaleBytesOf = (elements: number): number => Math.ceil(Math.ceil(elements / NF4_BLOCK) / 2) * 4;

/**
 * Cuts a matrix of `columns` elements a row into slabs of whole rows, each within the binding limit and beginning where a binding may;
 * one slab where the matrix fits. Rows of a slab but the last are a multiple of 4. Throws where not even that few rows fit.
 */
export function rowSlabs(tensor: Tensor, columns: number, maxBindingBytes: number): Slab[] {
  const elements = elementsOf(tensor);
  const rows = Math.ceil(elements / columns);
  if (tensor.bytes <= maxBindingBytes) return [{ tensor, firstRow: 0, rows }];
  const aligned = ALIGNED_ELEMENTS[formatOf(tensor)];
  const unit = leastCommonMultiple(4, aligned / greatestCommonDivisor(aligned, columns));
  const perSlab = Math.floor(maxBindingBytes / bytesOf(formatOf(tensor), columns * unit)) * unit;
  if (perSlab === 0) {
    throw new RangeError(
      `rowSlabs: ${unit} rows of "${tensor.name}" need ${bytesOf(formatOf(tensor), columns * unit)} bytes in one binding, the device allows ${maxBindingBytes}; use a device with larger storage bindings`,
    );
  }
  return Array.from({ length: Math.ceil(rows / perSlab) }, (_, index) => {
    const firstRow = index * perSlab;
    const count = Math.min(perSlab, rows - firstRow);
    return { tensor: part(tensor, firstRow * columns, count * columns), firstRow, rows: count };
  });
}

/** The same for a tensor whose rows do not matter: slabs of consecutive elements. */
export function flatSlabs(tensor: Tensor, maxBindingBytes: number): Tensor[] {
  return rowSlabs(tensor, ALIGNMENT / 4, maxBindingBytes).map((slab) => slab.tensor);
}

function part(tensor: Tensor, first: number, count: number): Tensor {
  const { name, place, scales, format } = tensor;
  if (!place) throw new Error(`rowSlabs: "${name}" of ${tensor.bytes} bytes is a temporary; only what lasts can be cut`);
  const offset = bytesOf(formatOf(tensor), first);
  const bytes = Math.min(bytesOf(formatOf(tensor), count), tensor.bytes - offset);
  return {
    name: `${name} from element ${first}`,
    bytes,
    needsGradient: false,
    place: { buffer: place.buffer, offset: place.offset + offset },
    ...(format && { format }),
    ...(scales && { scales: scalesFrom(scales, first, count) }),
  };
}

function scalesFrom(scales: Tensor, first: number, count: number): Tensor {
  const { buffer, offset } = scales.place!;
  const start = (first / NF4_BLOCK) * 2;
  return { ...scales, bytes: Math.min(scaleBytesOf(count), scales.bytes - start), place: { buffer, offset: offset + start } };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

const leastCommonMultiple = (a: number, b: number): number => (a / greatestCommonDivisor(a, b)) * b;
