// x[i] = 512 multiply-adds in each of 8 chains of a lane's registers: as fast as the adapter computes.
// x [elements].  One lane per element, 8192 floating-point operations.  Dispatch: ceil(elements / 64).

struct Params { elements: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  if (i >= params.elements) { return; }
  let factor = 0.9990234375f;
  var a = vec4f(x[i], 1f, 2f, 3f);
  var b = vec4f(4f, 5f, 6f, 7f);
  for (var k = 0u; k < 512u; k++) {
    a = a * factor + 0.5f;
    b = b * factor + 0.25f;
  }
  let sum = a + b;
  x[i] = sum.x + sum.y + sum.z + sum.w;
}
