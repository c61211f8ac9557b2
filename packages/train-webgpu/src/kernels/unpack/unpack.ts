import type { Kernel } from "../../plan/pipeline.ts";
import { elementsOf, formatOf, rowSlabs } from "../../plan/slabs.ts";
import type { Tape } from "../../plan/tape.ts";
import type { StorageFormat, Tensor } from "../../plan/tensor.ts";
import { packedFours, packedScales } from "../packed/packed.wgsl.ts";
import { elementGroups, type KernelTarget, withPrelude } from "../prelude/prelude.ts";

/** WGSL of y[i] = x[i], x in a storage format, y in float32; four elements per invocation. */
function unpackKernel(target: KernelTarget, format: StorageFormat): Kernel {
  const x = packedFours(format, { name: "x", binding: 1, scalesBinding: 3 });
  return withPrelude(
    target,
    `unpack ${format}`,
    `struct Params { fours: u32 }
@group(0) @binding(0) var<uniform> params: Params;
${x.declarations}
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  if (i < params.fours) { y[i] = ${x.load("i")}; }
}
`,
  );
}

/** y = x in float32, for a matrix x of `columns` a row (a multiple of 8) in any storage format. */
export function unpack(tape: Tape, target: KernelTarget, x: Tensor, y: Tensor, columns: number): void {
  // Slabs of y are the smaller ones; those of x follow them, as its rows are never longer.
  const rowsAtOnce = Math.min(target.maxBindingBytes, Math.floor(target.maxBindingBytes * (x.bytes / y.bytes)));
  const parts = rowSlabs(x, columns, rowsAtOnce);
  const wide = (first: number, rows: number): Tensor => ({
    ...y,
    bytes: rows * columns * 4,
    place: { buffer: y.place!.buffer, offset: y.place!.offset + first * columns * 4 },
  });
  for (const { tensor, firstRow, rows } of parts) {
    const fours = Math.ceil(Math.min(elementsOf(tensor), rows * columns) / 4);
    tape.run(
      unpackKernel(target, formatOf(x)),
      [tensor, wide(firstRow, rows), ...packedScales(tensor)],
      () => ({ fours }),
      () => [elementGroups(fours)],
      () => ({ flops: tensor.scales ? 4 * fours : 0, bytes: tensor.bytes + (tensor.scales?.bytes ?? 0) + 16 * fours }),
    );
  }
}
