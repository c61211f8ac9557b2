import type { Kernel } from "../../plan/pipeline.ts";
import type { StorageFormat } from "../../plan/tensor.ts";
import { type KernelTarget, rowsPerWorkgroup } from "../prelude/prelude.ts";
import { broadcastKernel, broadcastTile, type Layout } from "./broadcast.wgsl.ts";
import { tileKernel } from "./tile.wgsl.ts";

/** A kernel for a product, and the rows and columns of C that one workgroup of it computes. */
export interface MatmulChoice {
  kernel: Kernel;
  rows: number;
  columns: number;
}

export interface MatmulShape {
  layout: Layout;
  residual: boolean;
  format: StorageFormat;
  /** Most rows of C, where they may be few. */
  maxRows: number | undefined;
  /** Columns of C, or their number in no batch. */
  columns: number;
}

/** Below so many rows or columns the large tile would mostly compute what nobody wants. */
const NARROW = 64;
/** So few rows, as in generation, are bound by the loads of B, which the broadcasting kernel makes once for all of them. */
export const FEW_ROWS = 16;

/** On a software adapter workgroup memory is no faster than any other, so subgroups broadcast; GPUs stage tiles, with subgroups or without. */
export function chooseMatmul(target: KernelTarget, shape: MatmulShape): MatmulChoice {
  const { layout, residual, format, maxRows = Number.POSITIVE_INFINITY, columns } = shape;
  if (target.adapterClass === "software" || maxRows <= FEW_ROWS) {
    const tile = broadcastTile(target);
    const kernel = broadcastKernel(target, layout, residual, format);
    return { kernel, rows: tile.rows, columns: tile.columns * rowsPerWorkgroup(target) };
  }
  const size = Math.min(maxRows, columns === 0 ? maxRows : columns) <= NARROW ? 64 : 128;
  return { kernel: tileKernel(target, layout, residual, format, size), rows: size, columns: size };
}
