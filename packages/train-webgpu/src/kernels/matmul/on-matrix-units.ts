import type { Tape } from "../../plan/tape.ts";
import { blocksOf, halves } from "../halves/halves.ts";
import type { KernelTarget } from "../prelude/prelude.ts";
import { FEW_ROWS } from "./choose.ts";
import type { Product } from "./matmul.ts";
import { type MatrixUnit, matrixKernel, matrixTile } from "./matrix.wgsl.ts";
import { isNothing, productParams } from "./product-params.ts";

/** With no more columns or terms, rounding the operands costs more than matrix units save. */
const NARROW = 64;

/**
 * The unit that a product is computed with, where the device has matrix units and the product is worth them. That is decided by the sizes
 * of the model alone: a batch has the same bits whatever the largest one is.
 */
export function matrixUnitFor(target: KernelTarget, { layout, most, maxRows }: Product): MatrixUnit | undefined {
  if (most === undefined || (maxRows !== undefined && maxRows <= FEW_ROWS)) return undefined;
  const sizesOfModel = layout === "tn" ? [most.m, most.n] : [most.n, most.k];
  return Math.min(...sizesOfModel) > NARROW ? target.matrixUnit : undefined;
}

/** Rounds A and B to halves by rows, transposing those whose stored rows are k, and multiplies them. */
export function productOnMatrixUnits(tape: Tape, target: KernelTarget, spec: Product, unit: MatrixUnit): void {
  const { layout, c, m, n, k, strides = {}, rowOffset = {}, columnOffset = {}, residual } = spec;
  const most = spec.most!;
  const tile = matrixTile(unit, target.lanes);
  const [aHoldsK, bHoldsK] = [layout !== "tn", layout === "nt"];
  const aStride = strides.a === undefined ? (aHoldsK ? k : m) : () => strides.a!;
  const bStride = strides.b === undefined ? (bHoldsK ? k : n) : () => strides.b!;
  const a = halves(
    tape,
    target,
    {
      tensor: spec.a,
      holdsK: aHoldsK,
      rows: m,
      k,
      stride: aStride,
      offset: (s) => (rowOffset.a?.(s) ?? 0) * aStride(s) + (columnOffset.a ?? 0),
      most: { rows: most.m, k: most.k },
    },
    unit,
    tile,
  );
  const b = halves(
    tape,
    target,
    {
      tensor: spec.b,
      holdsK: bHoldsK,
      rows: n,
      k,
      stride: bStride,
      offset: (s) => (rowOffset.b?.(s) ?? 0) * bStride(s),
      most: { rows: most.n, k: most.k },
    },
    unit,
    tile,
  );
  tape.run(
    matrixKernel(unit, target.lanes, residual !== undefined),
    [a.blocks, b.blocks, c, ...(residual ? [residual] : []), a.scales, b.scales],
    (s) => ({ ...productParams(spec, s), k_blocks: blocksOf(k(s), unit) }),
    (s) => (isNothing(spec, s) ? [0] : [Math.ceil(n(s) / tile), Math.ceil(m(s) / tile)]),
    (s) => ({
      flops: 2 * m(s) * n(s) * k(s),
      bytes: 2 * (m(s) + n(s)) * k(s) + 4 * m(s) * n(s) * (residual ? 2 : 1),
    }),
  );
}
