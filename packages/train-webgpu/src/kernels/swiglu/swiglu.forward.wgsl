// y = silu(gate) up,  silu(g) = g / (1 + exp(-g))      (Shazeer 2020, eq. 5)
// gate, up, y [elements].  One element per invocation.  Reference: swiglu.reference.ts.  Dispatch: ceil(elements / 64).

struct Params { elements: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gate: array<f32>;
@group(0) @binding(2) var<storage, read> up: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  if (i >= params.elements) { return; }
  let g = gate[i];
  y[i] = g / (1f + exp(-max(g, -87f))) * up[i];
}
