// stats[r] = (lse[r], sum_c dO[r, c] O[r, c]) for every row and head r: what the backward kernels need of a query.
// d_o, o [rows, width]; lse [rows]; stats [rows].  One row per subgroup.  Reference: attention.reference.ts.  Dispatch: rowGroups(rows).

struct Params { rows: u32, width: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> d_o: array<f32>;
@group(0) @binding(2) var<storage, read> o: array<f32>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec2f>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = linear(id, count) * ROWS + local.x / LANES;
  if (row >= params.rows) { return; }
  let lane = local.x % LANES;
  var sum = 0f;
  for (var c = lane; c < params.width; c += LANES) { sum += d_o[row * params.width + c] * o[row * params.width + c]; }
  let delta = row_sum(sum);
  if (lane == 0u) { stats[row] = vec2f(lse[row], delta); }
}
