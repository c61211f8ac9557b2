// Losses over sorted keys (optimal transport in one dimension). Entry i of the batch is the loss of rank i; the gradient of
// each rank goes back to the pair whose key has that rank. Equal keys keep their order.
// Scratch, in units of the P pairs: 0 first keys ascending, then d loss / d first key of each rank; 1 the same for the
// second keys; 2 each pair's rank among the first keys; 3 among the second; 4 loss of each rank;
// 5, 6, 7 the sum over all terms of each pair's loss, chosen gradient and rejected gradient.

fn loss_rank(term: u32, side: u32, i: u32, key: f32, pairs: u32) -> u32 {
  var rank = 0u;
  for (var j = 0u; j < pairs; j++) {
    let other = loss_key(term, side, j).x;
    if (other < key || (other == key && j < i)) { rank++; }
  }
  return rank;
}

fn loss_sort_keys(term: u32, pairs: u32) {
  for (var k = 0u; k < 2u * pairs; k++) {
    let side = k / pairs;
    let i = k % pairs;
    let key = loss_key(term, side, i).x;
    let rank = loss_rank(term, side, i, key, pairs);
    loss_scratch_set(side * pairs + rank, key);
    loss_scratch_set((2u + side) * pairs + i, f32(rank));
  }
}

fn loss_evaluate_ranks(term: u32, pairs: u32) {
  for (var rank = 0u; rank < pairs; rank++) {
    let first = vec3f(loss_scratch_get(rank), 1.0, 0.0);
    let second = vec3f(loss_scratch_get(pairs + rank), 0.0, 1.0);
    let loss = loss_at_rank(term, first, second);
    loss_scratch_set(rank, loss.y);
    loss_scratch_set(pairs + rank, loss.z);
    loss_scratch_set(4u * pairs + rank, loss.x);
  }
}

fn loss_sorted(terms: u32, pairs: u32) {
  for (var k = 5u * pairs; k < 8u * pairs; k++) { loss_scratch_set(k, 0.0); }
  for (var term = 0u; term < terms; term++) {
    loss_sort_keys(term, pairs);
    loss_evaluate_ranks(term, pairs);
    for (var i = 0u; i < pairs; i++) {
      let by_first = loss_scratch_get(u32(loss_scratch_get(2u * pairs + i))) * loss_key(term, 0u, i).yz;
      let by_second = loss_scratch_get(pairs + u32(loss_scratch_get(3u * pairs + i))) * loss_key(term, 1u, i).yz;
      let total = loss_sorted_entry(i, pairs) + vec3f(loss_scratch_get(4u * pairs + i), by_first + by_second);
      loss_scratch_set(5u * pairs + i, total.x);
      loss_scratch_set(6u * pairs + i, total.y);
      loss_scratch_set(7u * pairs + i, total.z);
    }
  }
}

fn loss_sorted_entry(i: u32, pairs: u32) -> vec3f {
  return vec3f(loss_scratch_get(5u * pairs + i), loss_scratch_get(6u * pairs + i), loss_scratch_get(7u * pairs + i));
}
