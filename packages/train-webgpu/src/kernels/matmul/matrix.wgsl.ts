import type { Kernel } from "../../plan/pipeline.ts";
import { storeFunction } from "./epilogue.wgsl.ts";

/** Rows and columns of a block of halves that the hardware multiplies at a time. */
export type MatrixUnit = 8 | 16;

/** A workgroup is two by two subgroups. */
const SUBGROUPS = 4;

/** Blocks of C in a row of a subgroup, and rows of them: as many as stay in registers. */
const blocksOfSubgroup = (lanes: number): number => (lanes >= 32 ? 4 : 2);

/** Rows and columns of C that one workgroup computes. */
export const matrixTile = (unit: MatrixUnit, lanes: number): number => 2 * blocksOfSubgroup(lanes) * unit;

const range = (n: number): number[] => [...Array(n).keys()];
const lines = <T>(items: T[], line: (item: T) => string): string => items.map(line).join("\n");

/**
 * WGSL of C (+)= alpha A B^T (+ R) on matrix units, A and B rounded to halves by rows (`kernels/halves`), products summed in float32 in the
 * order of k (Dawn's subgroup matrices). Each subgroup loads its blocks straight from where they lie, one after another, so nothing is
 * staged and nobody waits; blocks that two subgroups need come out of the cache.
 */
export function matrixKernel(unit: MatrixUnit, lanes: number, residual: boolean): Kernel {
  const size = unit * unit;
  const blocks = blocksOfSubgroup(lanes);
  const scales = residual ? 5 : 4;
  const matrix = (side: string, type: string): string => `subgroup_matrix_${side}<${type}, ${unit}, ${unit}>`;
  const load = (name: string, side: string, order: string, block: string): string =>
    `subgroupMatrixLoad<${matrix(side, "f16")}, ${order}>(&${name}, (${block} * params.k_blocks + k) * ${size}u, ${unit}u)`;
  const pairs = range(blocks).flatMap((row) => range(blocks).map((column) => [row, column] as const));
  return {
    name: `matmul matrix ${unit}${residual ? " + residual" : ""}`,
    wgsl: `enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);
struct Params { m: u32, n: u32, k_blocks: u32, c_stride: u32, c_offset: u32, accumulate: u32, alpha: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f16>;
@group(0) @binding(2) var<storage, read> b: array<f16>;
@group(0) @binding(${scales}) var<storage, read> a_scales: array<f32>;
@group(0) @binding(${scales + 1}) var<storage, read> b_scales: array<f32>;
${storeFunction(residual)}
var<workgroup> sums: array<f32, ${SUBGROUPS * size}>;
@compute @workgroup_size(${SUBGROUPS * lanes})
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let subgroup = local.x / ${lanes}u;
  let row_block = id.y * ${2 * blocks}u + subgroup / 2u * ${blocks}u;
  let column_block = id.x * ${2 * blocks}u + subgroup % 2u * ${blocks}u;
${lines(pairs, ([row, column]) => `  var c${row}_${column}: ${matrix("result", "f32")};`)}
  for (var k = 0u; k < params.k_blocks; k++) {
${lines(range(blocks), (i) => `    let b${i} = ${load("b", "right", "col_major", `(column_block + ${i}u)`)};`)}
${lines(range(blocks), (i) => `    let a${i} = ${load("a", "left", "row_major", `(row_block + ${i}u)`)};`)}
${lines(pairs, ([row, column]) => `    c${row}_${column} = subgroupMatrixMultiplyAccumulate(a${row}, b${column}, c${row}_${column});`)}
  }
  let lane = local.x % ${lanes}u;
  let own = subgroup * ${size}u;
${lines(
  pairs,
  ([row, column]) => `  subgroupMatrixStore<row_major>(&sums, own, c${row}_${column}, ${unit}u);
  workgroupBarrier();
  store_block(lane, own, (row_block + ${row}u) * ${unit}u, (column_block + ${column}u) * ${unit}u);
  workgroupBarrier();`,
)}
}
fn store_block(lane: u32, first: u32, row0: u32, column0: u32) {
  for (var i = lane; i < ${size}u; i += ${lanes}u) {
    let row = row0 + i / ${unit}u;
    let column = column0 + i % ${unit}u;
    if (row < params.m && column < params.n) { store(row, column, sums[first + i] * a_scales[row] * b_scales[column]); }
  }
}
`,
  };
}
