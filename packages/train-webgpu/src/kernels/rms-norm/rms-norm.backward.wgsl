// dx[r, c] (+)= rstd (weight[c] dy[r, c] - x[r, c] rstd^2 mean_k(weight[k] dy[r, k] x[r, k]))
// x, dy, dx [rows, width]; weight [width]; rstd [rows].  One row per subgroup.  Sums in f32.
// Reference: rms-norm.reference.ts.  Dispatch: rowGroups(rows).

struct Params { rows: u32, width: u32, accumulate: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = linear(id, count) * ROWS + local.x / LANES;
  if (row >= params.rows) { return; }
  let lane = local.x % LANES;
  let base = row * params.width;
  var dot_sum = 0f;
  for (var c = lane; c < params.width; c += LANES) {
    dot_sum += weight[c] * dy[base + c] * x[base + c];
  }
  let scale = rstd[row];
  let shift = row_sum(dot_sum) * scale * scale / f32(params.width);
  for (var c = lane; c < params.width; c += LANES) {
    let value = scale * (weight[c] * dy[base + c] - x[base + c] * shift);
    if (params.accumulate == 1u) { dx[base + c] += value; } else { dx[base + c] = value; }
  }
}
