// y = x, four elements a lane: as fast as the adapter moves memory.  x, y [4 fours].  Dispatch: ceil(fours / 64).

struct Params { fours: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  if (i < params.fours) { y[i] = x[i]; }
}
