// sums[s] = sum over the labelled rows n of sequence s of (row_weight[n] logp, mean logit, entropy, correct).
// adjusted[s] = sum over the same rows of logp - log_collision, unweighted: the confidence that WPO weighs pairs by.
// offsets [sequences + 1] into rows; row_stats, log_collision [labelled]; sums, adjusted [sequences].
// One sequence per subgroup; lanes stride from the sequence's own first row, so its bits do not depend on the rest of the batch.
// Reference: sequence-sums.reference.ts.  Dispatch: rowGroups(sequences).

struct Params { sequences: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> row_stats: array<vec4f>;
@group(0) @binding(3) var<storage, read> row_weights: array<f32>;
@group(0) @binding(4) var<storage, read> log_collision: array<f32>;
@group(0) @binding(5) var<storage, read_write> sums: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> adjusted: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let s = linear(id, count) * ROWS + local.x / LANES;
  if (s >= params.sequences) { return; }
  let lane = local.x % LANES;
  var sum = vec4f();
  var confidence = 0f;
  for (var n = offsets[s] + lane; n < offsets[s + 1u]; n += LANES) {
    sum += row_stats[n] * vec4f(row_weights[n], 1f, 1f, 1f);
    confidence += row_stats[n].x - log_collision[n];
  }
  let total = vec4f(row_sum(sum.x), row_sum(sum.y), row_sum(sum.z), row_sum(sum.w));
  let confidence_total = row_sum(confidence);
  if (lane == 0u) {
    sums[s] = total;
    adjusted[s] = confidence_total;
  }
}
