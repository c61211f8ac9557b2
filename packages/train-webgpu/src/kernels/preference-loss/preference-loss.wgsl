// Host of a preference loss: gives the loss of @zephyr/losses its inputs by name and stores what it returns.
// sums [2 pairs] (x = summed log-probability; the chosen sequences, then the rejected ones); reference_logps, lengths [2 pairs];
// pair_weights [pairs]; options [16]; scratch [8 pairs]; sequence_gradient [2 pairs], scaled by loss_scale;
// pair_results [pairs] of (loss, chosen reward, rejected reward, 0).  One invocation: a batch has few pairs.
// Reference: the TypeScript function of the same loss.  Dispatch: 1.

struct Params { pairs: u32, loss_scale: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<vec4f>;
@group(0) @binding(2) var<storage, read> reference_logps: array<f32>;
@group(0) @binding(3) var<storage, read> lengths: array<f32>;
@group(0) @binding(4) var<storage, read> pair_weights: array<f32>;
@group(0) @binding(5) var<storage, read> options: array<f32>;
@group(0) @binding(6) var<storage, read_write> scratch: array<f32>;
@group(0) @binding(7) var<storage, read_write> sequence_gradient: array<f32>;
@group(0) @binding(8) var<storage, read_write> pair_results: array<vec4f>;

fn chosen_logps(i: u32) -> f32 { return sums[i].x; }
fn rejected_logps(i: u32) -> f32 { return sums[params.pairs + i].x; }
fn ref_chosen_logps(i: u32) -> f32 { return reference_logps[i]; }
fn ref_rejected_logps(i: u32) -> f32 { return reference_logps[params.pairs + i]; }
fn chosen_length(i: u32) -> f32 { return lengths[i]; }
fn rejected_length(i: u32) -> f32 { return lengths[params.pairs + i]; }
fn pair_weight(i: u32) -> f32 { return pair_weights[i]; }
fn loss_option(k: u32) -> f32 { return options[k]; }
fn loss_scratch_get(k: u32) -> f32 { return scratch[k]; }
fn loss_scratch_set(k: u32, value: f32) { scratch[k] = value; }
fn store_pair(i: u32, loss: f32, chosen_grad: f32, rejected_grad: f32, chosen_reward: f32, rejected_reward: f32) {
  sequence_gradient[i] = chosen_grad * params.loss_scale;
  sequence_gradient[params.pairs + i] = rejected_grad * params.loss_scale;
  pair_results[i] = vec4f(loss, chosen_reward, rejected_reward, 0f);
}

@compute @workgroup_size(1)
fn main() { preference_loss(params.pairs); }
