// In place: logits[n, v] becomes (1[v = y_n] - exp(z_v - lse_n)) d logp_n, with d logp_n = sequence_gradient[sequence of n] row_weight[n].
// Zeros in the columns from `vocabulary` to `stride` and in the rows from `rows` to the next multiple of 4.
// Reference: linear-logps.reference.ts.  One element per invocation.  Dispatch: ceil(rounded rows * stride / 64).

struct Params { rows: u32, elements: u32, vocabulary: u32, stride: u32, row_offset: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> sequence_of_row: array<u32>;
@group(0) @binding(4) var<storage, read> row_weights: array<f32>;
@group(0) @binding(5) var<storage, read> sequence_gradient: array<f32>;
@group(0) @binding(6) var<storage, read_write> logits: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  if (i >= params.elements) { return; }
  let row = i / params.stride;
  let v = i % params.stride;
  if (row >= params.rows || v >= params.vocabulary) { logits[i] = 0f; return; }
  let n = params.row_offset + row;
  let dlogp = sequence_gradient[sequence_of_row[n]] * row_weights[n];
  logits[i] = (select(0f, 1f, v == targets[n]) - exp(logits[i] - lse[n])) * dlogp;
}
