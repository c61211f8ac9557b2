// y[r, c] = x[r, c] rstd[r] weight[c],  rstd[r] = 1 / sqrt(mean_c x[r, c]^2 + eps)      (Zhang & Sennrich 2019, eq. 4)
// x, y [rows, width]; weight [width]; rstd [rows].  One row per subgroup.  Sums in f32.
// Reference: rms-norm.reference.ts.  Dispatch: rowGroups(rows).

struct Params { rows: u32, width: u32, eps: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> rstd: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = linear(id, count) * ROWS + local.x / LANES;
  if (row >= params.rows) { return; }
  let lane = local.x % LANES;
  let base = row * params.width;
  var squares = 0f;
  for (var c = lane; c < params.width; c += LANES) {
    let value = x[base + c];
    squares += value * value;
  }
  let scale = inverseSqrt(row_sum(squares) / f32(params.width) + params.eps);
  for (var c = lane; c < params.width; c += LANES) {
    y[base + c] = x[base + c] * scale * weight[c];
  }
  if (lane == 0u) { rstd[row] = scale; }
}
