import type { Kernel } from "../../plan/pipeline.ts";
import type { StorageFormat } from "../../plan/tensor.ts";
import { packedFours, packedOnes } from "../packed/packed.wgsl.ts";
import { type KernelTarget, withPrelude } from "../prelude/prelude.ts";
import { MATMUL_PARAMS, storeFunction } from "./epilogue.wgsl.ts";

/** Which operands are transposed: C = A B, A B^T, A^T B. */
export type Layout = "nn" | "nt" | "tn";

/** Rows and columns of C that one subgroup (or invocation, without subgroups) computes. */
export interface MatmulTile {
  rows: number;
  columns: number;
}

/** Registers per lane bound the tile: 16 x 4 accumulators fit 8 and more lanes, 16 x 2 the 4 of SwiftShader. */
function accumulators({ lanes }: KernelTarget): { r: number; c: number } {
  if (lanes === 1) return { r: 4, c: 4 };
  return lanes < 8 ? { r: 16, c: 2 } : { r: 16, c: 4 };
}

export function broadcastTile(target: KernelTarget): MatmulTile {
  const { r, c } = accumulators(target);
  return { rows: r, columns: c * target.lanes };
}

const range = (n: number): number[] => [...Array(n).keys()];
const lines = <T>(items: T[], line: (item: T) => string): string => items.map(line).join("\n");

/**
 * WGSL of C (+)= alpha A op B (+ R), for C [m, n] and k summed in fours.
 * The lanes of a subgroup hold rows of A, four k at a time, and broadcast them; each lane owns `c` columns of C in registers.
 * So a load serves every lane, no workgroup memory is used, and each entry of C is summed in the order of k wherever it lies.
 * Only the two load expressions depend on the layout and on how B is stored; sizes are uniforms, so one pipeline serves every shape.
 */
export function broadcastKernel(target: KernelTarget, layout: Layout, residual: boolean, format: StorageFormat): Kernel {
  const { lanes } = target;
  const { r, c } = accumulators(target);
  const transposedA = layout === "tn";
  const transposedB = layout === "nt";
  const loads = range(Math.ceil(r / lanes));
  const rowOf = (q: number): string =>
    lanes === 1 ? `row0 + ${q}u` : r < lanes ? `row0 + lane % ${r}u` : `row0 + ${q * lanes}u + lane`;
  const loadA = (q: number): string =>
    transposedA
      ? `vec4f(a[a${q}_at], a[a${q}_at + params.a_stride], a[a${q}_at + 2u * params.a_stride], a[a${q}_at + 3u * params.a_stride])`
      : `a[a${q}_at + k]`;
  const b = (transposedB ? packedFours : packedOnes)(format, { name: "b", binding: 2, scalesBinding: residual ? 5 : 4 });
  const loadB = (j: number): string =>
    transposedB
      ? b.load(`b${j}_at + k`)
      : `vec4f(${["", " + params.b_stride", " + 2u * params.b_stride", " + 3u * params.b_stride"].map((step) => b.load(`b${j}_at${step}`)).join(", ")})`;
  const rowValue = (i: number): string => (lanes === 1 ? `a${i}` : `subgroupBroadcast(a${Math.floor(i / lanes)}, ${i % lanes}u)`);
  return withPrelude(
    target,
    `matmul ${layout}${format === "f32" ? "" : ` ${format}`}${residual ? " + residual" : ""}`,
    `${MATMUL_PARAMS}
@group(0) @binding(1) var<storage, read> a: array<${transposedA ? "f32" : "vec4f"}>;
${b.declarations}
${storeFunction(residual)}
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x % LANES;
  let row0 = id.y * ${r}u;
  let first_column = (id.x * ROWS + local.x / LANES) * ${c * lanes}u + lane;
${lines(
  range(c),
  (j) => `  let column${j} = first_column + ${j * lanes}u;
  var b${j}_at = params.b_offset + min(column${j}, params.n - 1u)${transposedB ? " * params.b_stride" : ""};`,
)}
${lines(loads, (q) => `  var a${q}_at = params.a_offset + min(${rowOf(q)}, params.m - 1u)${transposedA ? "" : " * params.a_stride"};`)}
${lines(
  range(r),
  (i) =>
    `  ${range(c)
      .map((j) => `var s${i}_${j} = 0f;`)
      .join(" ")}`,
)}
  for (var k = 0u; k < params.k4; k++) {
${lines(range(c), (j) => `    let b${j} = ${loadB(j)};`)}
${lines(loads, (q) => `    let a${q} = ${loadA(q)};`)}
${lines(
  range(r),
  (i) =>
    `    { let x = ${rowValue(i)}; ${range(c)
      .map((j) => `s${i}_${j} += dot(x, b${j});`)
      .join(" ")} }`,
)}
${transposedA ? lines(loads, (q) => `    a${q}_at += 4u * params.a_stride;`) : ""}
${transposedB ? "" : lines(range(c), (j) => `    b${j}_at += 4u * params.b_stride;`)}
  }
  // Rolled: a store costs a software adapter's compiler more than the whole loop above.
  var sums: array<f32, ${r * c}>;
${lines(
  range(r),
  (i) =>
    `  ${range(c)
      .map((j) => `sums[${i * c + j}] = s${i}_${j};`)
      .join(" ")}`,
)}
  for (var i = 0u; i < min(${r}u, params.m - min(row0, params.m)); i++) {
${lines(range(c), (j) => `    if (column${j} < params.n) { store(row0 + i, column${j}, sums[i * ${c}u + ${j}u]); }`)}
  }
}
`,
  );
}
