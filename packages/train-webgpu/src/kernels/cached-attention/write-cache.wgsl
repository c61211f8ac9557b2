// cache[rows[t], c] = x[t, c]: the keys or values of new tokens go to their places in the cache.
// rows [tokens]; x [tokens, width]; cache [cache rows, width].  One element per invocation.
// Reference: generate/generator.test.ts (greedy decoding with a cache).  Dispatch: ceil(tokens width / 64).

struct Params { elements: u32, width: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> cache: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  if (i < params.elements) { cache[rows[i / params.width] * params.width + i % params.width] = x[i]; }
}
