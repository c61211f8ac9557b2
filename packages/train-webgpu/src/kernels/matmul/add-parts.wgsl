// C (+)= alpha * sum of parts, parts [parts, m, n], in the order of the parts.
struct Params { m: u32, n: u32, parts: u32, c_stride: u32, c_offset: u32, accumulate: u32, alpha: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  if (i >= params.m * params.n) { return; }
  var sum = parts[i];
  for (var part = 1u; part < params.parts; part++) { sum += parts[part * params.m * params.n + i]; }
  let at = params.c_offset + i / params.n * params.c_stride + i % params.n;
  var value = params.alpha * sum;
  if (params.accumulate == 1u) { value += c[at]; }
  c[at] = value;
}
