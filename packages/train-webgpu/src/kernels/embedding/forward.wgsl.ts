import type { Kernel } from "../../plan/pipeline.ts";
import type { StorageFormat } from "../../plan/tensor.ts";
import { packedOnes } from "../packed/packed.wgsl.ts";
import { type KernelTarget, withPrelude } from "../prelude/prelude.ts";

/**
 * WGSL of y[t, c] = table[ids[t], c] for the ids of one slab of the table, rows first_row to first_row + rows - 1.
 * ids [tokens]; table [rows, width] in any storage format; y [tokens, width].  One element per invocation.
 * Reference: embedding.reference.ts.  Dispatch: ceil(tokens width / 64).
 */
export function embeddingKernel(target: KernelTarget, format: StorageFormat): Kernel {
  const table = packedOnes(format, { name: "table", binding: 2, scalesBinding: 4 });
  return withPrelude(
    target,
    `embedding forward${format === "f32" ? "" : ` ${format}`}`,
    `struct Params { elements: u32, width: u32, first_row: u32, rows: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
${table.declarations}
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  if (i >= params.elements) { return; }
  // Wraps around for an id before the slab, so that one comparison covers both ends.
  let row = ids[i / params.width] - params.first_row;
  if (row >= params.rows) { return; }
  y[i] = ${table.load("row * params.width + i % params.width")};
}
`,
  );
}
