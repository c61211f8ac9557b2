import { bytesOf, formatOf } from "../../plan/slabs.ts";
import type { Tape } from "../../plan/tape.ts";
import { noSizes, type Sizes, type Tensor } from "../../plan/tensor.ts";
import { type DropoutShape, dropout } from "../dropout/dropout.ts";
import { packedScales } from "../packed/packed.wgsl.ts";
import type { KernelTarget } from "../prelude/prelude.ts";
import type { Layout } from "./broadcast.wgsl.ts";
import { chooseMatmul } from "./choose.ts";
import { isInParts, productInParts } from "./in-parts.ts";
import { matrixUnitFor, productOnMatrixUnits } from "./on-matrix-units.ts";
import { isNothing, productParams } from "./product-params.ts";
import { productParts } from "./product-parts.ts";

type Count = (sizes: Sizes) => number;

/** One product C [m, n] (+)= alpha A op B, all row-major; k must be a multiple of 4. B may be in any storage format. */
export interface Product {
  layout: Layout;
  a: Tensor;
  b: Tensor;
  c: Tensor;
  m: Count;
  n: Count;
  k: Count;
  /** Elements between rows of A, B, C where they are not packed. */
  strides?: { a?: number; b?: number; c?: number };
  /** First row of each matrix, as stored. */
  rowOffset?: { a?: Count; b?: Count; c?: Count };
  /** First column of a matrix, as stored; a multiple of 4 for A unless it is transposed. */
  columnOffset?: { a?: number; c?: number };
  alpha?: Count;
  accumulate?: Count;
  /** C = alpha A op B + residual, instead of adding to what C holds. */
  residual?: Tensor;
  /** The largest m, n and k of any batch, where they are known: what is rounded or summed in parts needs room. */
  most?: { m: number; n: number; k: number };
  /** Most rows of C where they may be few, as in generation; another kernel then, with other last bits. */
  maxRows?: number;
}

/** Records one product; where a matrix is beyond the binding limit, one launch for each of its row slabs. */
export function product(tape: Tape, target: KernelTarget, spec: Product): void {
  for (const part of productParts(spec, target.maxBindingBytes)) launch(tape, target, part);
}

function launch(tape: Tape, target: KernelTarget, spec: Product): void {
  const unit = matrixUnitFor(target, spec);
  if (unit !== undefined) productOnMatrixUnits(tape, target, spec, unit);
  else if (isInParts(target, spec)) productInParts(tape, target, spec);
  else productInTiles(tape, target, spec);
}

function productInTiles(tape: Tape, target: KernelTarget, spec: Product): void {
  const { layout, a, b, c, m, n, k, residual } = spec;
  const { kernel, rows, columns } = chooseMatmul(target, {
    layout,
    residual: residual !== undefined,
    format: formatOf(b),
    maxRows: spec.maxRows,
    columns: n(noSizes),
  });
  tape.run(
    kernel,
    [a, b, c, ...(residual ? [residual] : []), ...packedScales(b)],
    (s) => productParams(spec, s),
    (s) => (isNothing(spec, s) ? [0] : [Math.ceil(n(s) / columns), Math.ceil(m(s) / rows)]),
    (s) => {
      const bBytes = bytesOf(formatOf(b), n(s) * k(s));
      return { flops: 2 * m(s) * n(s) * k(s), bytes: 4 * m(s) * (k(s) + n(s) * (residual ? 2 : 1)) + bBytes };
    },
  );
}

/** A low-rank update W + scale B A of a frozen weight; A [rank, inputs], B [outputs, rank]      (Hu et al. 2021, eq. 3). */
export interface LowRank {
  a: Tensor;
  b: Tensor;
  rank: number;
  /** A function of the batch: 0 shows the base model. */
  scale: Count;
  /** Dropout of x on its way to A. */
  dropout?: DropoutShape;
}

export interface LinearShape {
  rows: Count;
  maxRows: number;
  inputs: number;
  outputs: number;
  /** y = x W^T + residual. */
  residual?: Tensor;
  lowRank?: LowRank | undefined;
}

/**
 * y [rows, outputs] = x [rows, inputs] W^T (+ residual) (+ scale (x A^T) B^T), W [outputs, inputs] as Hugging Face stores it.
 * With dropout, A sees a thinned x. Backward: dx = dy W, dW = dy^T x, and the residual takes dy as it is.
 */
export function linear(tape: Tape, target: KernelTarget, x: Tensor, weight: Tensor, shape: LinearShape): Tensor {
  const { rows, maxRows, inputs, outputs, residual, lowRank } = shape;
  const from = [x, weight, ...(residual ? [residual] : []), ...(lowRank ? [lowRank.a, lowRank.b] : [])];
  const y = tape.temporary(`y ${weight.name}`, maxRows * outputs * 4, from);
  const counts = { m: rows, n: () => outputs, k: () => inputs };
  const most = { m: maxRows, n: outputs, k: inputs };
  product(tape, target, { layout: "nt", a: x, b: weight, c: y, ...counts, most, maxRows, ...(residual && { residual }) });
  tape.onBackward(() => {
    if (residual && tape.gradientOf(y)) tape.passGradient(y, residual);
  });
  linearBackward(tape, target, x, weight, y, { rows, maxRows, inputs, outputs });
  if (lowRank) addLowRank(tape, target, x, y, lowRank, shape);
  return y;
}

function addLowRank(tape: Tape, target: KernelTarget, x: Tensor, y: Tensor, lowRank: LowRank, shape: LinearShape): void {
  const { a, b, rank, scale } = lowRank;
  const seen = lowRank.dropout ? dropout(tape, target, x, lowRank.dropout) : x;
  const { rows, maxRows, inputs, outputs } = shape;
  const down = linear(tape, target, seen, a, { rows, maxRows, inputs, outputs: rank });
  const counts = { m: rows, n: () => outputs, k: () => rank };
  const most = { m: maxRows, n: outputs, k: rank };
  product(tape, target, { layout: "nt", a: down, b, c: y, ...counts, most, maxRows, alpha: scale, accumulate: () => 1 });
  linearBackward(tape, target, down, b, y, { rows, maxRows, inputs: rank, outputs, alpha: scale });
}

interface BackwardShape extends Pick<LinearShape, "rows" | "maxRows" | "inputs" | "outputs"> {
  alpha?: Count;
}

function linearBackward(tape: Tape, target: KernelTarget, x: Tensor, weight: Tensor, y: Tensor, shape: BackwardShape): void {
  const { rows, maxRows, inputs, outputs, alpha } = shape;
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy) return;
    const scale = alpha && { alpha };
    const dx = tape.gradientTarget(x);
    if (dx) {
      const counts = { m: rows, n: () => inputs, k: () => outputs };
      const most = { m: maxRows, n: inputs, k: outputs };
      const { tensor: c, accumulate } = dx;
      product(tape, target, { layout: "nn", a: dy, b: weight, c, ...counts, most, accumulate, ...scale });
    }
    const dweight = tape.gradientTarget(weight);
    if (dweight) {
      const counts = { m: () => outputs, n: () => inputs, k: rows };
      const most = { m: outputs, n: inputs, k: maxRows };
      const { tensor: c, accumulate } = dweight;
      product(tape, target, { layout: "tn", a: dy, b: x, c, ...counts, most, accumulate, ...scale });
    }
  });
}
