import type { Params, Sizes } from "../../plan/tensor.ts";
import type { Product } from "./matmul.ts";

/** Sizes and places of a product for a batch, as `MATMUL_PARAMS` has them; matrices that are read in fours are counted in fours. */
export function productParams(spec: Product, s: Sizes): Params {
  const { layout, m, n, k, strides = {}, rowOffset = {}, columnOffset = {}, alpha, accumulate } = spec;
  const inFours = (elements: number, holdsK: boolean): number => (holdsK ? elements / 4 : elements);
  const [aHoldsK, bHoldsK] = [layout !== "tn", layout === "nt"];
  const aStride = strides.a ?? (aHoldsK ? k(s) : m(s));
  const bStride = strides.b ?? (bHoldsK ? k(s) : n(s));
  const cStride = strides.c ?? n(s);
  return {
    m: m(s),
    n: n(s),
    k4: Math.ceil(k(s) / 4),
    a_stride: inFours(aStride, aHoldsK),
    b_stride: inFours(bStride, bHoldsK),
    c_stride: cStride,
    a_offset: inFours((rowOffset.a?.(s) ?? 0) * aStride + (columnOffset.a ?? 0), aHoldsK),
    b_offset: inFours((rowOffset.b?.(s) ?? 0) * bStride, bHoldsK),
    c_offset: (rowOffset.c?.(s) ?? 0) * cStride + (columnOffset.c ?? 0),
    accumulate: accumulate?.(s) ?? 0,
    alpha: alpha?.(s) ?? 1,
  };
}

/** Whether a product leaves C as it is: no rows, or no terms to add. */
export const isNothing = ({ m, k, accumulate }: Product, s: Sizes): boolean =>
  m(s) === 0 || (k(s) === 0 && accumulate?.(s) === 1);
