import type { Kernel } from "../../plan/pipeline.ts";
import type { StorageFormat } from "../../plan/tensor.ts";
import { packedFours, packedOnes } from "../packed/packed.wgsl.ts";
import { type KernelTarget, withPrelude } from "../prelude/prelude.ts";
import type { Layout } from "./broadcast.wgsl.ts";
import { MATMUL_PARAMS, PARTED_PARAMS, storeFunction, storePartFunction } from "./epilogue.wgsl.ts";

/** Rows and columns of C that a workgroup of 16 x 16 invocations computes; each owns 4 or 8 of either. */
export type TileSize = 64 | 128;

const INVOCATIONS = 256;
/** Values of k that are staged at a time. */
const DEPTH = 8;

const range = (n: number): number[] => [...Array(n).keys()];
const lines = <T>(items: T[], line: (item: T) => string): string => items.map(line).join("\n");

/**
 * WGSL of C (+)= alpha A op B (+ R) for GPUs: a workgroup stages `DEPTH` values of k of its rows of A and columns of B in workgroup
 * memory, k first, and each invocation multiplies vectors of 4 from there into 4 x 4 blocks of C in registers. The next stage is loaded
 * while this one is multiplied. Rows of the staged matrices are one vector longer than needed, so that writes fall into different banks.
 * Each entry of C is summed in the order of k; `parted`, a layer of workgroups for each part of k, whose sums are added afterwards.
 */
export function tileKernel(
  target: KernelTarget,
  layout: Layout,
  residual: boolean,
  format: StorageFormat,
  size: TileSize,
  parted = false,
): Kernel {
  const blocks = size / 64;
  const stride = size / 4 + 1;
  const a =
    layout === "tn"
      ? packedOnes("f32", { name: "a", binding: 1, scalesBinding: 0 })
      : packedFours("f32", { name: "a", binding: 1, scalesBinding: 0 });
  const bindings = { name: "b", binding: 2, scalesBinding: residual ? 5 : 4 };
  const b = layout === "nt" ? packedFours(format, bindings) : packedOnes(format, bindings);
  const accumulators = range(4 * blocks).flatMap((row) => range(blocks).map((block) => [row, block] as const));
  return withPrelude(
    target,
    `matmul ${layout} tile ${size}${format === "f32" ? "" : ` ${format}`}${residual ? " + residual" : ""}${parted ? " in parts" : ""}`,
    `${parted ? PARTED_PARAMS : MATMUL_PARAMS}
${a.declarations}
${b.declarations}
${parted ? storePartFunction : storeFunction(residual)}
const STRIDE = ${stride}u;
var<workgroup> a_staged: array<vec4f, ${DEPTH * stride}>;
var<workgroup> b_staged: array<vec4f, ${DEPTH * stride}>;
${layout === "tn" ? stagedRows("a", "params.m", a.load, size) : stagedColumns("a", "params.m", a.load, size)}
${layout === "nt" ? stagedColumns("b", "params.n", b.load, size) : stagedRows("b", "params.n", b.load, size)}
@compute @workgroup_size(${INVOCATIONS})
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let t = local.x;
  let row0 = id.y * ${size}u;
  let column0 = id.x * ${size}u;
  let x = t % 16u;
  let y = t / 16u;
${lines(accumulators, ([row, block]) => `  var c${row}_${block} = vec4f();`)}
${parted ? "  part = id.z;\n" : ""}  let first = ${parted ? "id.z * params.part_k4" : "0u"};
  let last = ${parted ? "min(first + params.part_k4, params.k4)" : "params.k4"};
  var next_a = load_a(t, row0, first);
  var next_b = load_b(t, column0, first);
  for (var k = first; k < last; k += ${DEPTH / 4}u) {
    stage_a(t, next_a);
    stage_b(t, next_b);
    workgroupBarrier();
    next_a = load_a(t, row0, k + ${DEPTH / 4}u);
    next_b = load_b(t, column0, k + ${DEPTH / 4}u);
    for (var i = 0u; i < ${DEPTH}u; i++) {
${lines(range(blocks), (block) => `      let b${block} = b_staged[i * STRIDE + ${16 * block}u + x];`)}
${lines(range(blocks), (block) => `      let a${block} = a_staged[i * STRIDE + ${16 * block}u + y];`)}
${lines(accumulators, ([row, block]) => `      c${row}_${block} += a${Math.floor(row / 4)}.${"xyzw"[row % 4]} * b${block};`)}
    }
    workgroupBarrier();
  }
${lines(accumulators, ([row, block]) => `  store_four(row0 + ${64 * Math.floor(row / 4) + (row % 4)}u + 4u * y, column0 + ${64 * block}u + 4u * x, c${row}_${block});`)}
}
`,
  );
}

/** A matrix whose rows hold k next to each other: an invocation loads 4 k of one row, and writes them below each other. */
function stagedColumns(name: string, end: string, load: (index: string) => string, size: TileSize): string {
  return `fn load_${name}(t: u32, first: u32, k: u32) -> vec4f {
  let row = first + t / 2u;
  let quad = k + t % 2u;
  if (t >= ${2 * size}u || row >= ${end} || quad >= params.k4) { return vec4f(); }
  return ${load(`params.${name}_offset + row * params.${name}_stride + quad`)};
}
fn stage_${name}(t: u32, four: vec4f) {
  if (t >= ${2 * size}u) { return; }
  let row = t / 2u;
  let at = t % 2u * 4u * STRIDE + row / 4u;
  ${name}_staged[at][row % 4u] = four.x;
  ${name}_staged[at + STRIDE][row % 4u] = four.y;
  ${name}_staged[at + 2u * STRIDE][row % 4u] = four.z;
  ${name}_staged[at + 3u * STRIDE][row % 4u] = four.w;
}`;
}

/** A matrix of k rows: an invocation loads 4 neighbours of one of them, and writes them as they are. */
function stagedRows(name: string, end: string, load: (index: string) => string, size: TileSize): string {
  const quads = size / 4;
  const element = (i: number): string => `select(0f, ${load(`at + ${i}u`)}, column + ${i}u < ${end})`;
  return `fn load_${name}(t: u32, first: u32, k: u32) -> vec4f {
  let row = 4u * k + t / ${quads}u;
  let column = first + t % ${quads}u * 4u;
  if (t >= ${DEPTH * quads}u || row >= 4u * params.k4 || column >= ${end}) { return vec4f(); }
  let at = params.${name}_offset + row * params.${name}_stride + column;
  return vec4f(${[0, 1, 2, 3].map(element).join(", ")});
}
fn stage_${name}(t: u32, four: vec4f) {
  if (t >= ${DEPTH * quads}u) { return; }
  ${name}_staged[t / ${quads}u * STRIDE + t % ${quads}u] = four;
}`;
}
