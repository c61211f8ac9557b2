// norm = sqrt(sum of partials); clip = min(1, max_norm / (norm + 1e-6)), or 0 where the norm is not finite: such a step changes nothing.
// partials [count]; result (norm, clip).  One invocation, in order.  max_norm 0 switches clipping off.
// Reference: global-norm.reference.ts.  Dispatch: 1.

struct Params { count: u32, max_norm: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(1)
fn main() {
  var sum = 0f;
  var compensation = 0f;
  for (var i = 0u; i < params.count; i++) {
    let next = partials[i] - compensation;
    let total = sum + next;
    compensation = (total - sum) - next;
    sum = total;
  }
  let norm = sqrt(sum);
  var clip = 1f;
  if (params.max_norm > 0f) { clip = min(1f, params.max_norm / (norm + 1e-6f)); }
  // Bits, because a compiler may assume that floats are never NaN or infinite.
  if ((bitcast<u32>(norm) & 0x7f800000u) == 0x7f800000u) { clip = 0f; }
  result[0] = norm;
  result[1] = clip;
}
