// y[i] = x[i] / keep where the element is kept, else 0; y = x where draw is 0.
// Whether it is kept depends on (seed, draw, stream, i) alone, so the backward pass and a second computation of the forward
// see the same elements: 24 bits of PCG4D of the four      (Jarzynski and Olano 2020, listing 5).
// x, y [elements].  One element per invocation.  accumulate 1 adds to y.  Reference: dropout.reference.ts.  Dispatch: ceil(elements / 64).

struct Params { elements: u32, seed: u32, draw: u32, stream: u32, accumulate: u32, keep: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn pcg4d(given: vec4u) -> vec4u {
  var v = given * 1664525u + 1013904223u;
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  return v;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  if (i >= params.elements) { return; }
  var value = x[i];
  if (params.draw > 0u) {
    let uniform_number = f32(pcg4d(vec4u(i, params.stream, params.draw, params.seed)).x >> 8u) * 0x1p-24f;
    value = select(0f, value / params.keep, uniform_number < params.keep);
  }
  if (params.accumulate == 1u) { value += y[i]; }
  y[i] = value;
}
