// y[r, c] += bias[c].  y [rows, width]; bias [width].  One element per invocation.
// Reference: in bias.test.ts.  Dispatch: ceil(rows width / 64).

struct Params { elements: u32, width: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> bias: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  if (i < params.elements) { y[i] += bias[i % params.width]; }
}
