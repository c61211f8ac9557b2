// dgate = dy up s (1 + gate (1 - s)),  dup = dy gate s,  s = 1 / (1 + exp(-gate))
// gate, up, dy, dgate, dup [elements].  One element per invocation.  Reference: swiglu.reference.ts.  Dispatch: ceil(elements / 64).

struct Params { elements: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gate: array<f32>;
@group(0) @binding(2) var<storage, read> up: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dgate: array<f32>;
@group(0) @binding(5) var<storage, read_write> dup: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  if (i >= params.elements) { return; }
  let g = gate[i];
  let s = 1f / (1f + exp(-max(g, -87f)));
  dgate[i] = dy[i] * up[i] * s * (1f + g * (1f - s));
  dup[i] = dy[i] * g * s;
}
