// AdamW with decoupled weight decay      (Loshchilov & Hutter 2019, algorithm 2, as torch.optim.AdamW computes it)
//   g = gradient clip;  p <- p (1 - lr decay);  m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
//   p <- p - lr (m / correction1) / (sqrt(v / correction2) + eps)
// p, gradient, m, v [elements]; norm_and_clip (norm, clip), clip 0 = a gradient that is not finite: nothing changes.
// One element per invocation.  Reference: adamw.reference.ts.  Dispatch: ceil(elements / 64).

struct Params {
  elements: u32, learning_rate: f32, decay: f32, one_minus_beta1: f32, beta2: f32, one_minus_beta2: f32, epsilon: f32, correction1: f32, correction2: f32
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read> norm_and_clip: array<f32>;
@group(0) @binding(3) var<storage, read_write> p: array<f32>;
@group(0) @binding(4) var<storage, read_write> m: array<f32>;
@group(0) @binding(5) var<storage, read_write> v: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  let clip = norm_and_clip[1];
  if (i >= params.elements || clip == 0f) { return; }
  let g = gradient[i] * clip;
  let first = m[i] + (g - m[i]) * params.one_minus_beta1;
  let second = v[i] * params.beta2 + g * g * params.one_minus_beta2;
  m[i] = first;
  v[i] = second;
  let step = params.learning_rate / params.correction1;
  p[i] = p[i] * (1f - params.learning_rate * params.decay) - step * first / (sqrt(second) / params.correction2 + params.epsilon);
}
