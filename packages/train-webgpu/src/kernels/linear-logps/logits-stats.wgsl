// For each labelled row of logits z with target y, by two passes (the maximum first):
//   lse = log sum_v exp z_v;  log_collision = log sum_v p_v^2;  stats = (z_y - lse, mean_v z_v, entropy = lse - sum_v p_v z_v in nats, 1 if y is the first largest z).
// logits [rows, stride], the first `vocabulary` columns of a row; targets, lse, stats, log_collision start at row_offset.  One row per subgroup.
// Reference: linear-logps.reference.ts.  Dispatch: rowGroups(rows).

struct Params { rows: u32, vocabulary: u32, stride: u32, row_offset: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> log_collision: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = linear(id, count) * ROWS + local.x / LANES;
  if (row >= params.rows) { return; }
  let lane = local.x % LANES;
  let base = row * params.stride;
  var largest = -3.4e38f;
  var first_largest = 0xffffffffu;
  for (var v = lane; v < params.vocabulary; v += LANES) {
    let z = logits[base + v];
    if (z > largest) { largest = z; first_largest = v; }
  }
  let top = row_max(largest);
  let winner = row_min_u32(select(0xffffffffu, first_largest, largest == top));
  var exp_sum = 0f;
  var weighted = 0f;
  var total = 0f;
  var squares = 0f;
  for (var v = lane; v < params.vocabulary; v += LANES) {
    let z = logits[base + v] - top;
    let weight = exp(z);
    exp_sum += weight;
    weighted += weight * z;
    total += z;
    squares += weight * weight;
  }
  let z_sum = row_sum(exp_sum);
  let log_sum = log(z_sum);
  let mean_weighted = row_sum(weighted) / z_sum;
  let collision = row_sum(squares);
  let mean = row_sum(total) / f32(params.vocabulary) + top;
  if (lane == 0u) {
    let n = params.row_offset + row;
    let goal = targets[n];
    lse[n] = top + log_sum;
    log_collision[n] = log(collision) - 2f * log_sum;
    stats[n] = vec4f(logits[base + goal] - top - log_sum, mean, log_sum - mean_weighted, select(0f, 1f, winner == goal));
  }
}
