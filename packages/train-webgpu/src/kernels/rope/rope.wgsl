// Rotary embedding, in place: pairs (c, c + D/2) of a head turn by the angle of their token's position.      (Su et al. 2021, eq. 34)
//   x1' = x1 cos - sign x2 sin,  x2' = x2 cos + sign x1 sin;  sign = -1 turns a gradient back.
// x [tokens, heads, D]; positions [tokens]; angles [maxPositions, D/2] of (cos, sin), computed in float64.
// One head of a token per subgroup.  Reference: rope.reference.ts.  Dispatch: rowGroups(tokens heads).

struct Params { rows: u32, heads: u32, half_dim: u32, sign: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read> angles: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = linear(id, count) * ROWS + local.x / LANES;
  if (row >= params.rows) { return; }
  let angle_at = positions[row / params.heads] * params.half_dim;
  let base = row * params.half_dim * 2u;
  for (var c = local.x % LANES; c < params.half_dim; c += LANES) {
    let angle = angles[angle_at + c];
    let x1 = x[base + c];
    let x2 = x[base + c + params.half_dim];
    x[base + c] = x1 * angle.x - params.sign * x2 * angle.y;
    x[base + c + params.half_dim] = x2 * angle.x + params.sign * x1 * angle.y;
  }
}
