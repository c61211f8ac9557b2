// y[n, c] = x[rows[n], c] for the labelled tokens; zeros up to the next multiple of 4 rows.
// rows [labelled]; x [tokens, width]; y [labelled rounded up, width].  One element per invocation.
// Reference: linear-logps.reference.ts.  Dispatch: ceil(rounded labelled * width / 64).

struct Params { labelled: u32, elements: u32, width: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  if (i >= params.elements) { return; }
  let n = i / params.width;
  if (n < params.labelled) { y[i] = x[rows[n] * params.width + i % params.width]; } else { y[i] = 0f; }
}
