import type { Kernel } from "../../plan/pipeline.ts";
import type { StorageFormat } from "../../plan/tensor.ts";
import { packedFours } from "../packed/packed.wgsl.ts";
import { type KernelTarget, withPrelude } from "../prelude/prelude.ts";
import { HALVES_PARAMS, rowFactor } from "./factor.wgsl.ts";

const INVOCATIONS = 128;

/** WGSL that rounds a matrix whose rows hold k next to each other: a workgroup reads one row twice, for its largest magnitude and to round it. */
export function halvesByRowsKernel(target: KernelTarget, unit: number, format: StorageFormat): Kernel {
  const source = packedFours(format, { name: "source", binding: 1, scalesBinding: 4 });
  const read = source.load("params.offset / 4u + row * (params.stride / 4u) + quad");
  return withPrelude(
    target,
    `halves by rows ${unit}${format === "f32" ? "" : ` ${format}`}`,
    `${HALVES_PARAMS}
${source.declarations}
@group(0) @binding(2) var<storage, read_write> blocks: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> scales: array<f32>;
const UNIT = ${unit}u;
var<workgroup> largest: array<f32, ${INVOCATIONS}>;
${rowFactor}
fn four(row: u32, quad: u32) -> vec4f {
  if (4u * quad >= params.k) { return vec4f(); }
  return ${read};
}
@compute @workgroup_size(${INVOCATIONS})
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = linear(id, count);
  if (row >= params.rows) { return; }
  let quads = params.k_blocks * UNIT / 4u;
  var own = vec4f();
  for (var quad = local.x; quad < quads; quad += ${INVOCATIONS}u) { own = max(own, abs(four(row, quad))); }
  largest[local.x] = max(max(own.x, own.y), max(own.z, own.w));
  for (var half = ${INVOCATIONS / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.x < half) { largest[local.x] = max(largest[local.x], largest[local.x + half]); }
  }
  workgroupBarrier();
  let factor = row_factor(largest[0]);
  if (local.x == 0u) { scales[row] = inverse(factor); }
  for (var quad = local.x; quad < quads; quad += ${INVOCATIONS}u) {
    let value = four(row, quad) * factor;
    let block = row / UNIT * params.k_blocks + 4u * quad / UNIT;
    blocks[(block * UNIT * UNIT + row % UNIT * UNIT + 4u * quad % UNIT) / 4u] = vec2u(pack2x16float(value.xy), pack2x16float(value.zw));
  }
}
`,
  );
}
