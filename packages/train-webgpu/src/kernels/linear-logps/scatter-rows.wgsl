// dx[t, c] = dy[row_of[t], c] where token t is labelled, else 0.  row_of [tokens]: the labelled row of a token, or 0xffffffff.
// dy [labelled, width]; dx [tokens, width].  One element per invocation.
// Reference: linear-logps.reference.ts.  Dispatch: ceil(tokens width / 64).

struct Params { elements: u32, width: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> row_of: array<u32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  if (i >= params.elements) { return; }
  let row = row_of[i / params.width];
  if (row == 0xffffffffu) { dx[i] = 0f; } else { dx[i] = dy[row * params.width + i % params.width]; }
}
