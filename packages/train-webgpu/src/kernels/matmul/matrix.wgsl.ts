import type { Kernel } from "../../plan/pipeline.ts";
import type { StorageFormat } from "../../plan/tensor.ts";
import { packedFours, packedOnes } from "../packed/packed.wgsl.ts";
import type { Layout } from "./broadcast.wgsl.ts";
import { MATMUL_PARAMS, storeFunction } from "./epilogue.wgsl.ts";

/** Rows and columns of C of a workgroup, and of each of its four subgroups. */
export const MATRIX_TILE = 128;
const SUBGROUP_TILE = 64;
const INVOCATIONS = 128;
/** Rows and columns of a matrix that the hardware multiplies. */
const UNIT = 16;
/** Values of k that are staged at a time. */
const DEPTH = 16;
/** Halves between staged rows, more than they hold, so that rows begin in different banks. */
const BY_K = DEPTH + 8;
const BY_ROW = MATRIX_TILE + 8;

const range = (n: number): number[] => [...Array(n).keys()];
const lines = <T>(items: T[], line: (item: T) => string): string => items.map(line).join("\n");
const units = SUBGROUP_TILE / UNIT;
const blocks = range(units).flatMap((row) => range(units).map((column) => [row, column] as const));

/**
 * WGSL of C (+)= alpha A op B (+ R) on matrix units: operands rounded to half floats while they are staged in workgroup memory, products
 * summed in float32 (Dawn's subgroup matrices, 16 x 16 x 16, on subgroups of 32). Magnitudes above 65,504 overflow and those below 6e-8
 * vanish, so it is for activations and weights, not for gradients that were not scaled.
 */
export function matrixKernel(layout: Layout, residual: boolean, format: StorageFormat): Kernel {
  const bindings = { name: "b", binding: 2, scalesBinding: residual ? 5 : 4 };
  const aBindings = { name: "a", binding: 1, scalesBinding: 0 };
  const aByK = layout !== "tn";
  const bByK = layout === "nt";
  const a = (aByK ? packedFours : packedOnes)("f32", aBindings);
  const b = (bByK ? packedFours : packedOnes)(format, bindings);
  const order = (isA: boolean): string => (isA === (isA ? aByK : bByK) ? "row_major" : "col_major");
  const stride = (byK: boolean): number => (byK ? BY_K : BY_ROW);
  /** Where the block of staged halves begins whose first row or column is `first` and whose first k is `k`. */
  const at = (byK: boolean, first: string, k: string): string =>
    byK ? `(${first}) * ${BY_K}u + ${k}` : `(${k}) * ${BY_ROW}u + ${first}`;
  return {
    name: `matmul ${layout} matrix${format === "f32" ? "" : ` ${format}`}${residual ? " + residual" : ""}`,
    wgsl: `enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);
${MATMUL_PARAMS}
${a.declarations}
${b.declarations}
${storeFunction(residual)}
var<workgroup> a_staged: array<f16, ${Math.max(MATRIX_TILE * BY_K, DEPTH * BY_ROW)}>;
var<workgroup> b_staged: array<f16, ${Math.max(MATRIX_TILE * BY_K, DEPTH * BY_ROW)}>;
var<workgroup> sums: array<f32, ${4 * UNIT * UNIT}>;
${aByK ? stageByK("a", "params.m", a.load) : stageByRow("a", "params.m", a.load)}
${bByK ? stageByK("b", "params.n", b.load) : stageByRow("b", "params.n", b.load)}
@compute @workgroup_size(${INVOCATIONS})
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let t = local.x;
  let lane = t % 32u;
  let subgroup = t / 32u;
  let row0 = id.y * ${MATRIX_TILE}u;
  let column0 = id.x * ${MATRIX_TILE}u;
  let own_row = subgroup / 2u * ${SUBGROUP_TILE}u;
  let own_column = subgroup % 2u * ${SUBGROUP_TILE}u;
${lines(blocks, ([row, column]) => `  var c${row}_${column}: subgroup_matrix_result<f32, ${UNIT}, ${UNIT}>;`)}
  for (var k = 0u; k < params.k4; k += ${DEPTH / 4}u) {
    stage_a(t, row0, k);
    stage_b(t, column0, k);
    workgroupBarrier();
    for (var i = 0u; i < ${DEPTH}u; i += ${UNIT}u) {
${lines(range(units), (n) => `      let b${n} = subgroupMatrixLoad<subgroup_matrix_right<f16, ${UNIT}, ${UNIT}>, ${order(false)}>(&b_staged, ${at(bByK, `own_column + ${n * UNIT}u`, "i")}, ${stride(bByK)}u);`)}
${lines(
  range(units),
  (
    m,
  ) => `      { let a = subgroupMatrixLoad<subgroup_matrix_left<f16, ${UNIT}, ${UNIT}>, ${order(true)}>(&a_staged, ${at(aByK, `own_row + ${m * UNIT}u`, "i")}, ${stride(aByK)}u);
${lines(range(units), (n) => `        c${m}_${n} = subgroupMatrixMultiplyAccumulate(a, b${n}, c${m}_${n});`)} }`,
)}
    }
    workgroupBarrier();
  }
${lines(
  blocks,
  ([row, column]) => `  subgroupMatrixStore<row_major>(&sums, subgroup * ${UNIT * UNIT}u, c${row}_${column}, ${UNIT}u);
  workgroupBarrier();
  store_block(lane, subgroup * ${UNIT * UNIT}u, row0 + own_row + ${row * UNIT}u, column0 + own_column + ${column * UNIT}u);
  workgroupBarrier();`,
)}
}
fn store_block(lane: u32, first: u32, row0: u32, column0: u32) {
  for (var i = lane; i < ${UNIT * UNIT}u; i += 32u) {
    let row = row0 + i / ${UNIT}u;
    let column = column0 + i % ${UNIT}u;
    if (row < params.m && column < params.n) { store(row, column, sums[first + i]); }
  }
}
`,
  };
}

/** A matrix whose rows hold k next to each other, staged as it is. */
const stageByK = (
  name: string,
  end: string,
  load: (index: string) => string,
): string => `fn stage_${name}(t: u32, first: u32, k: u32) {
  for (var i = t; i < ${(MATRIX_TILE * DEPTH) / 4}u; i += ${INVOCATIONS}u) {
    let row = first + i / ${DEPTH / 4}u;
    let quad = k + i % ${DEPTH / 4}u;
    var four = vec4f();
    if (row < ${end} && quad < params.k4) { four = ${load(`params.${name}_offset + row * params.${name}_stride + quad`)}; }
    let at = i / ${DEPTH / 4}u * ${BY_K}u + i % ${DEPTH / 4}u * 4u;
    for (var j = 0u; j < 4u; j++) { ${name}_staged[at + j] = f16(four[j]); }
  }
}`;

/** A matrix of k rows, staged as it is. */
const stageByRow = (
  name: string,
  end: string,
  load: (index: string) => string,
): string => `fn stage_${name}(t: u32, first: u32, k: u32) {
  for (var i = t; i < ${DEPTH * MATRIX_TILE}u; i += ${INVOCATIONS}u) {
    let row = 4u * k + i / ${MATRIX_TILE}u;
    let column = first + i % ${MATRIX_TILE}u;
    var value = 0f;
    if (row < 4u * params.k4 && column < ${end}) { value = ${load(`params.${name}_offset + row * params.${name}_stride + column`)}; }
    ${name}_staged[i / ${MATRIX_TILE}u * ${BY_ROW}u + i % ${MATRIX_TILE}u] = f16(value);
  }
}`;
