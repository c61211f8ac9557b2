/** Element types of the safetensors format, in its own order: a writer lays out the last ones first. */
export const DTYPES = [
  "BOOL",
  "F4",
  "F6_E2M3",
  "F6_E3M2",
  "U8",
  "I8",
  "F8_E5M2",
  "F8_E4M3",
  "F8_E8M0",
  "I16",
  "U16",
  "F16",
  "BF16",
  "I32",
  "U32",
  "F32",
  "C64",
  "F64",
  "I64",
  "U64",
] as const;

export type Dtype = (typeof DTYPES)[number];

const BITS: Partial<Record<Dtype, number>> = {
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
};

/** Bits of one element. */
export function dtypeBits(dtype: Dtype): number {
  return BITS[dtype] ?? 8;
}

/** Whether a text is the name of a safetensors element type. */
export function isDtype(text: unknown): text is Dtype {
  return (DTYPES as readonly unknown[]).includes(text);
}

/** Elements of a tensor, or undefined where the product leaves the exact integers. */
export function elementCount(shape: readonly number[]): number | undefined {
  // A zero anywhere makes the tensor empty, however large the rest is.
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** Bytes of a tensor, or undefined where they are not a whole, exact number. */
export function tensorBytes(dtype: Dtype, shape: readonly number[]): number | undefined {
  const count = elementCount(shape);
  const bytes = count === undefined ? undefined : (count * dtypeBits(dtype)) / 8;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
