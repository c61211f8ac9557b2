import { formatOf } from "../../plan/slabs.ts";
import type { Tape } from "../../plan/tape.ts";
import type { Sizes, Tensor } from "../../plan/tensor.ts";
import { packedScales } from "../packed/packed.wgsl.ts";
import type { KernelTarget } from "../prelude/prelude.ts";
import { COLUMNS, halvesByColumnsKernel } from "./by-columns.wgsl.ts";
import { halvesByRowsKernel } from "./by-rows.wgsl.ts";

type Count = (sizes: Sizes) => number;

/** A matrix [rows, k] that is to be multiplied on matrix units, as it is stored. */
export interface HalvesSource {
  tensor: Tensor;
  /** Whether its stored rows hold k; else they are k, and its stored columns are the rows of the result. */
  holdsK: boolean;
  rows: Count;
  k: Count;
  /** Elements between stored rows, and before the first. */
  stride: Count;
  offset: Count;
  most: { rows: number; k: number };
}

/**
 * A matrix [rows, k] in half floats: blocks of unit x unit entries that lie one after another, all of a row of blocks before the next,
 * k filled up with zeros; and [rows] factors that give the numbers back.
 */
export interface Halves {
  blocks: Tensor;
  scales: Tensor;
}

export const blocksOf = (count: number, unit: number): number => Math.ceil(count / unit);

/** Rounds a matrix to half floats, each row scaled by a power of two, so that none overflows and small gradients keep their digits. */
export function halves(tape: Tape, target: KernelTarget, source: HalvesSource, unit: number, tileRows: number): Halves {
  const { tensor, holdsK, rows, k, stride, offset, most } = source;
  const storedRows = blocksOf(most.rows, tileRows) * tileRows;
  const blocks = tape.temporary(`halves ${tensor.name}`, storedRows * blocksOf(most.k, unit) * unit * 2);
  const scales = tape.temporary(`scales ${tensor.name}`, storedRows * 4);
  const kernel = (holdsK ? halvesByRowsKernel : halvesByColumnsKernel)(target, unit, formatOf(tensor));
  tape.run(
    kernel,
    [tensor, blocks, scales, ...packedScales(tensor)],
    (s) => ({ rows: rows(s), k: k(s), k_blocks: blocksOf(k(s), unit), stride: stride(s), offset: offset(s) }),
    (s) => [holdsK ? rows(s) : Math.ceil(rows(s) / COLUMNS)],
    (s) => ({ flops: 0, bytes: rows(s) * k(s) * 6 }),
  );
  return { blocks, scales };
}
