import { fromFloat32, toFloat32 } from "../safetensors/convert.ts";

/**
 * The 16 levels of NormalFloat4: quantiles of a normal distribution, scaled to [-1, 1], with an exact zero
 * (Dettmers et al. 2023, arXiv 2305.14314, appendix E).
 */
export const NF4_LEVELS: readonly number[] = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
];

/** Elements that share a scale. */
export const NF4_BLOCK = 64;

/** A tensor as NF4: codes eight to a word, the first in the lowest bits; scales as half floats, one per block of 64. */
export interface Nf4 {
  codes: Uint32Array<ArrayBuffer>;
  scales: Uint16Array<ArrayBuffer>;
}

/** Halfway between neighbouring levels: up to it the lower one is nearer. None is above the last level. */
const BOUNDS = Float64Array.from({ length: 16 }, (_, i) =>
  i < 15 ? (NF4_LEVELS[i]! + NF4_LEVELS[i + 1]!) / 2 : Number.POSITIVE_INFINITY,
);

/** [-1, 1] cut so finely that at most one bound lies in a cell; of each cell the level of its lower end. A rounded scale lets x exceed 1 a little. */
const CELLS = 256;
const LEVEL_OF_CELL = Uint8Array.from(
  { length: 2 * CELLS + 2 },
  (_, cell) => BOUNDS.filter((bound) => bound < cell / CELLS - 1).length,
);

/**
 * Rounds each element to the nearest level times its block's scale, the largest magnitude of the block rounded to a half float.
 * Throws where an element is not finite, or a block's largest magnitude is beyond a half float's range (65,504).
 *
 * @example const { codes, scales } = quantizeNf4(Float32Array.of(0.5, -1, 0.25));
 */
export function quantizeNf4(values: Float32Array): Nf4 {
  const blocks = Math.ceil(values.length / NF4_BLOCK);
  const largest = new Float32Array(blocks);
  for (let block = 0; block < blocks; block++) largest[block] = largestMagnitude(values, block);
  const halves = fromFloat32(largest, "F16");
  const rounded = toFloat32(halves, "F16");
  const codes = new Uint32Array(Math.ceil(values.length / 8));
  for (let block = 0; block < blocks; block++) {
    const scale = rounded[block]!;
    const inverse = scale === 0 ? 0 : 1 / scale;
    const end = Math.min(values.length, (block + 1) * NF4_BLOCK);
    for (let first = block * NF4_BLOCK; first < end; first += 8) {
      let word = 0;
      for (let i = first; i < Math.min(first + 8, end); i++) word |= nearestLevel(values[i]! * inverse) << ((i & 7) * 4);
      codes[first >>> 3] = word;
    }
  }
  return { codes, scales: new Uint16Array(halves.buffer) };
}

/** The numbers that NF4 codes stand for, in float32. */
export function dequantizeNf4({ codes, scales }: Nf4, length: number): Float32Array<ArrayBuffer> {
  const factors = toFloat32(new Uint8Array(scales.buffer, scales.byteOffset, scales.byteLength), "F16");
  return Float32Array.from({ length }, (_, i) => {
    return NF4_LEVELS[(codes[i >>> 3]! >>> ((i & 7) * 4)) & 15]! * factors[Math.floor(i / NF4_BLOCK)]!;
  });
}

function largestMagnitude(values: Float32Array, block: number): number {
  let largest = 0;
  const end = Math.min(values.length, (block + 1) * NF4_BLOCK);
  for (let i = block * NF4_BLOCK; i < end; i++) {
    const magnitude = Math.abs(values[i]!);
    if (!(magnitude < 65_520)) {
      throw new RangeError(`quantizeNf4: element ${i} is ${values[i]}; NF4 holds magnitudes up to 65,504, use bf16 or f32`);
    }
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

/** Index of the level nearest to x. */
function nearestLevel(x: number): number {
  const level = LEVEL_OF_CELL[(x * CELLS + CELLS) | 0]!;
  return x > BOUNDS[level]! ? level + 1 : level;
}
