// In place: logits[n, v] becomes (1[v = y_n] - exp(z_v - lse_n)) d logp_n, with d logp_n = sequence_gradient[sequence of n] row_weight[n].
// Zeros in the columns from `vocabulary` to `stride` and in the rows from `rows` to `stored_rows`, the next multiple of 4.
// Reference: linear-logps.reference.ts.  One row per subgroup.  Dispatch: rowGroups(stored_rows).

struct Params { rows: u32, stored_rows: u32, vocabulary: u32, stride: u32, row_offset: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> sequence_of_row: array<u32>;
@group(0) @binding(4) var<storage, read> row_weights: array<f32>;
@group(0) @binding(5) var<storage, read> sequence_gradient: array<f32>;
@group(0) @binding(6) var<storage, read_write> logits: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = linear(id, count) * ROWS + local.x / LANES;
  if (row >= params.stored_rows) { return; }
  let base = row * params.stride;
  // A row of zeros has no label; what belongs to a row is loaded once.
  let columns = select(params.vocabulary, 0u, row >= params.rows);
  let n = params.row_offset + min(row, params.rows - 1u);
  let goal = targets[n];
  let row_lse = lse[n];
  let dlogp = sequence_gradient[sequence_of_row[n]] * row_weights[n];
  for (var v = local.x % LANES; v < params.stride; v += LANES) {
    var gradient = 0f;
    if (v < columns) { gradient = (select(0f, 1f, v == goal) - exp(logits[base + v] - row_lse)) * dlogp; }
    logits[base + v] = gradient;
  }
}
