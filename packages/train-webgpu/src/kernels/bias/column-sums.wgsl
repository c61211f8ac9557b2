// dbias[c] (+)= sum_r dy[r, c].  dy [rows, width]; dbias [width].  One column per invocation, rows in order.
// Reference: in bias.test.ts.  Dispatch: ceil(width / 64).

struct Params { rows: u32, width: u32, accumulate: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dbias: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= params.width) { return; }
  var sum = 0f;
  for (var row = 0u; row < params.rows; row++) { sum += dy[row * params.width + c]; }
  if (params.accumulate == 1u) { dbias[c] += sum; } else { dbias[c] = sum; }
}
