import { formatError } from "../format-error.ts";
import type { Dtype } from "./dtype.ts";

/** The element types that weights are read from and written to. */
export type FloatDtype = Extract<Dtype, "F32" | "F16" | "BF16">;

/** Whether weights of this dtype can be converted from and to float32. */
export function isFloatDtype(dtype: Dtype): dtype is FloatDtype {
  return dtype === "F32" || dtype === "F16" || dtype === "BF16";
}

/**
 * Little-endian bytes of an F32, F16 or BF16 tensor as float32 numbers (exact: each value of the narrow types is a float32).
 *
 * Throws `ERR_SAFETENSORS` for another dtype or a number of bytes that is no multiple of the element.
 *
 * @example const weights = toFloat32(await file.read("lm_head.weight"), "BF16");
 */
export function toFloat32(bytes: Uint8Array, dtype: Dtype): Float32Array<ArrayBuffer> {
  if (!isFloatDtype(dtype)) {
    throw formatError(
      "ERR_SAFETENSORS",
      `toFloat32: dtype ${dtype} is no weight type; F32, F16 and BF16 are, convert the checkpoint to one`,
    );
  }
  const width = dtype === "F32" ? 4 : 2;
  if (bytes.length % width !== 0) {
    throw formatError(
      "ERR_SAFETENSORS",
      `toFloat32: ${bytes.length} bytes are no whole number of ${dtype} elements; pass whole elements`,
    );
  }
  // A copy, as the given bytes may begin at an odd address (and not by slice, which on a Buffer copies nothing).
  const own = new Uint8Array(bytes);
  if (dtype === "F32") return new Float32Array(own.buffer);
  const narrow = new Uint16Array(own.buffer);
  const bits = new Int32Array(narrow.length);
  // A loop for each type: these run over billions of elements.
  if (dtype === "BF16") for (let i = 0; i < narrow.length; i++) bits[i] = narrow[i]! << 16;
  else for (let i = 0; i < narrow.length; i++) bits[i] = halfToFloatBits(narrow[i]!);
  return new Float32Array(bits.buffer);
}

/**
 * Float32 numbers as little-endian bytes of an F32, F16 or BF16 tensor, rounded to nearest, ties to even; overflow gives infinity.
 *
 * @example const bytes = fromFloat32(new Float32Array([1, -2]), "BF16"); // 80 3f 00 c0
 */
export function fromFloat32(values: Float32Array, dtype: FloatDtype): Uint8Array<ArrayBuffer> {
  const own = new Float32Array(values);
  if (dtype === "F32") return new Uint8Array(own.buffer);
  const bits = new Uint32Array(own.buffer);
  const narrow = new Uint16Array(bits.length);
  if (dtype === "BF16") for (let i = 0; i < bits.length; i++) narrow[i] = floatBitsToBfloat(bits[i]!);
  else for (let i = 0; i < bits.length; i++) narrow[i] = floatBitsToHalf(bits[i]!);
  return new Uint8Array(narrow.buffer);
}

function halfToFloatBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal half is a normal float: shift its leading one into place.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

function floatBitsToBfloat(bits: number): number {
  // A NaN must not be rounded into an infinity.
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function floatBitsToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  // 65520 and above round to infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return sign | roundShift(magnitude - 0x38000000, 13);
  // Below 2^-14: a subnormal half counts units of 2^-24; half a unit and below it rounds to zero.
  if (magnitude <= 0x33000000) return sign;
  return sign | roundShift((magnitude & 0x7fffff) | 0x800000, 126 - (magnitude >>> 23));
}

function roundShift(value: number, shift: number): number {
  const half = (1 << (shift - 1)) - 1;
  return (value + half + ((value >>> shift) & 1)) >>> shift;
}
