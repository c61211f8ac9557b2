// The supervised term: -sum(chosen logps) / sum(chosen lengths), one number for the whole batch.
// Its gradient wrt every chosen log-probability is the same, times the mean pair weight.

struct loss_supervised_totals { token_mean: f32, tokens: f32, mean_weight: f32 }

fn loss_supervised(pairs: u32) -> loss_supervised_totals {
  var logps = 0.0;
  var tokens = 0.0;
  var weights = 0.0;
  for (var i = 0u; i < pairs; i++) {
    logps += chosen_logps(i);
    tokens += chosen_length(i);
    weights += pair_weight(i);
  }
  return loss_supervised_totals(-logps / tokens, tokens, weights / f32(pairs));
}

fn loss_supervised_entry(i: u32, pairs: u32, totals: loss_supervised_totals) -> vec3f {
  let gradient = -totals.mean_weight * f32(pairs) / totals.tokens;
  return loss_supervised_weight().x * vec3f(pair_weight(i) * totals.token_mean, gradient, 0.0);
}
