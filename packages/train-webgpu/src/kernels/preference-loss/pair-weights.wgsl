// pair_weights[i] = min(1, exp(mean adjusted log-probability of chosen i + that of rejected i))      (WPO, Zhou et al. 2024, eq. 2)
// adjusted, lengths [2 pairs]: sums over the completion of logp - log sum_v p_v^2, and its tokens; pair_weights [pairs].
// Reference: train/dpo-on-model.test.ts.  One invocation per pair.  Dispatch: ceil(pairs / 64).

struct Params { pairs: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> adjusted: array<f32>;
@group(0) @binding(2) var<storage, read> lengths: array<f32>;
@group(0) @binding(3) var<storage, read_write> pair_weights: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= params.pairs) { return; }
  let j = params.pairs + i;
  pair_weights[i] = min(1f, exp(adjusted[i] / lengths[i] + adjusted[j] / lengths[j]));
}
