// dweight[c] (+)= sum_r dy[r, c] x[r, c] rstd[r]
// x, dy [rows, width]; rstd [rows]; dweight [width].  One column per invocation, rows in order: no atomics, the same bits every run.
// Reference: rms-norm.reference.ts.  Dispatch: ceil(width / 64).

struct Params { rows: u32, width: u32, accumulate: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dweight: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= params.width) { return; }
  var sum = 0f;
  for (var row = 0u; row < params.rows; row++) {
    let at = row * params.width + c;
    sum += dy[at] * x[at] * rstd[row];
  }
  if (params.accumulate == 1u) { dweight[c] += sum; } else { dweight[c] = sum; }
}
