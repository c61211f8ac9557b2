import type { Kernel } from "../../plan/pipeline.ts";
import type { StorageFormat } from "../../plan/tensor.ts";
import { packedOnes } from "../packed/packed.wgsl.ts";
import { type KernelTarget, withPrelude } from "../prelude/prelude.ts";
import { HALVES_PARAMS, rowFactor } from "./factor.wgsl.ts";

/** Stored columns, which are rows of the result, that one workgroup rounds. */
export const COLUMNS = 16;
/** Invocations that share a column. */
const SHARES = 16;

const range = (n: number): number[] => [...Array(n).keys()];

/**
 * WGSL that rounds and transposes a matrix whose rows are k: neighbouring invocations read neighbouring columns, and each writes a whole
 * row of a block, `unit` consecutive k of its column.
 */
export function halvesByColumnsKernel(target: KernelTarget, unit: number, format: StorageFormat): Kernel {
  const source = packedOnes(format, { name: "source", binding: 1, scalesBinding: 4 });
  return withPrelude(
    target,
    `halves by columns ${unit}${format === "f32" ? "" : ` ${format}`}`,
    `${HALVES_PARAMS}
${source.declarations}
@group(0) @binding(2) var<storage, read_write> blocks: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> scales: array<f32>;
const UNIT = ${unit}u;
var<workgroup> largest: array<f32, ${COLUMNS * SHARES}>;
${rowFactor}
fn one(column: u32, k: u32) -> f32 {
  if (column >= params.rows || k >= params.k) { return 0f; }
  return ${source.load("params.offset + k * params.stride + column")};
}
fn two(column: u32, k: u32, factor: f32) -> u32 {
  return pack2x16float(vec2f(one(column, k), one(column, k + 1u)) * factor);
}
@compute @workgroup_size(${COLUMNS * SHARES})
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let column = id.x * ${COLUMNS}u + local.x % ${COLUMNS}u;
  let share = local.x / ${COLUMNS}u;
  var own = 0f;
  for (var k = share; k < params.k; k += ${4 * SHARES}u) {
    own = max(max(own, max(abs(one(column, k)), abs(one(column, k + ${SHARES}u)))), max(abs(one(column, k + ${2 * SHARES}u)), abs(one(column, k + ${3 * SHARES}u))));
  }
  largest[local.x] = own;
  workgroupBarrier();
  for (var i = 0u; i < ${SHARES}u; i++) { own = max(own, largest[local.x % ${COLUMNS}u + i * ${COLUMNS}u]); }
  if (column >= params.rows) { return; }
  let factor = row_factor(own);
  if (share == 0u) { scales[column] = inverse(factor); }
  for (var k_block = share; k_block < params.k_blocks; k_block += ${SHARES}u) {
    let k = k_block * UNIT;
    let at = ((column / UNIT * params.k_blocks + k_block) * UNIT * UNIT + column % UNIT * UNIT) / 8u;
${range(unit / 8)
  .map(
    (i) =>
      `    blocks[at + ${i}u] = vec4u(${range(4)
        .map((pair) => `two(column, k + ${8 * i + 2 * pair}u, factor)`)
        .join(", ")});`,
  )
  .join("\n")}
  }
}
`,
  );
}
