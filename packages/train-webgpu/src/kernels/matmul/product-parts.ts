import { rowSlabs } from "../../plan/slabs.ts";
import { noSizes } from "../../plan/tensor.ts";
import type { Product } from "./matmul.ts";

/**
 * A product whose weight, or whose gradient of a weight, is beyond the binding limit, as products of the matrix's row slabs:
 * rows of B are columns of C (NT) or terms of the sum (NN), rows of C are columns (TN) or rows (NN) of A.
 * What is cut is as large in every batch, so its sizes are known without one.
 */
export function productParts(spec: Product, maxBindingBytes: number): Product[] {
  const { layout, b, c } = spec;
  if (b.bytes > maxBindingBytes && layout === "nt") return byColumnsOfC(spec, maxBindingBytes);
  if (b.bytes > maxBindingBytes && layout === "nn") return bySum(spec, maxBindingBytes);
  if (c.place && c.bytes > maxBindingBytes && layout !== "nt") return byRowsOfC(spec, maxBindingBytes);
  return [spec];
}

function byColumnsOfC(spec: Product, maxBindingBytes: number): Product[] {
  const { b, n, k, strides, columnOffset, most } = spec;
  const columns = strides?.b ?? k(noSizes);
  const stride = strides?.c ?? n(noSizes);
  return rowSlabs(b, columns, maxBindingBytes).map(({ tensor, firstRow, rows }) => ({
    ...spec,
    b: tensor,
    n: () => rows,
    ...(most && { most: { ...most, n: rows } }),
    strides: { ...strides, c: stride },
    columnOffset: { ...columnOffset, c: (columnOffset?.c ?? 0) + firstRow },
  }));
}

function bySum(spec: Product, maxBindingBytes: number): Product[] {
  const { b, n, k, strides, columnOffset, most } = spec;
  const columns = strides?.b ?? n(noSizes);
  const terms = k(noSizes);
  const slabs = rowSlabs(b, columns, maxBindingBytes);
  return slabs.map(({ tensor, firstRow }, index) => {
    const end = slabs[index + 1]?.firstRow ?? terms;
    return {
      ...spec,
      b: tensor,
      k: () => end - firstRow,
      ...(most && { most: { ...most, k: end - firstRow } }),
      strides: { ...strides, a: strides?.a ?? terms },
      columnOffset: { ...columnOffset, a: (columnOffset?.a ?? 0) + firstRow },
      ...(index > 0 && { accumulate: () => 1 }),
    };
  });
}

function byRowsOfC(spec: Product, maxBindingBytes: number): Product[] {
  const { layout, c, m, n, strides, columnOffset, rowOffset, most } = spec;
  const columns = strides?.c ?? n(noSizes);
  return rowSlabs(c, columns, maxBindingBytes).map(({ tensor, firstRow, rows }) => ({
    ...spec,
    c: tensor,
    m: () => rows,
    ...(most && { most: { ...most, m: rows } }),
    ...(layout === "tn"
      ? {
          strides: { ...strides, a: strides?.a ?? m(noSizes) },
          columnOffset: { ...columnOffset, a: (columnOffset?.a ?? 0) + firstRow },
        }
      : { rowOffset: { ...rowOffset, a: (s) => (rowOffset?.a?.(s) ?? 0) + firstRow } }),
  }));
}
