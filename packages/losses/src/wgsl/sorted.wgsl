// A loss over sorted keys (optimal transport in one dimension). Entry i of the batch is the loss of rank i; the gradient
// of each rank goes back to the pair whose key has that rank. Equal keys keep their order.
// Scratch of term t, for P pairs: from 4tP the first keys ascending, then the second keys ascending, then each pair's rank
// among the first keys, then among the second.

fn loss_rank(term: u32, side: u32, i: u32, pairs: u32) -> u32 {
  let key = loss_key(term, side, i).x;
  var rank = 0u;
  for (var j = 0u; j < pairs; j++) {
    let other = loss_key(term, side, j).x;
    if (other < key || (other == key && j < i)) { rank++; }
  }
  return rank;
}

fn loss_sort(term: u32, pairs: u32) {
  for (var side = 0u; side < 2u; side++) {
    for (var i = 0u; i < pairs; i++) {
      let rank = loss_rank(term, side, i, pairs);
      loss_scratch_set((4u * term + side) * pairs + rank, loss_key(term, side, i).x);
      loss_scratch_set((4u * term + 2u + side) * pairs + i, f32(rank));
    }
  }
}

fn loss_at(term: u32, rank: u32, pairs: u32) -> vec3f {
  let first = loss_scratch_get(4u * term * pairs + rank);
  let second = loss_scratch_get((4u * term + 1u) * pairs + rank);
  return loss_at_rank(term, vec3f(first, 1.0, 0.0), vec3f(second, 0.0, 1.0));
}

fn loss_sorted_entry(term: u32, i: u32, pairs: u32) -> vec3f {
  let first_rank = u32(loss_scratch_get((4u * term + 2u) * pairs + i));
  let second_rank = u32(loss_scratch_get((4u * term + 3u) * pairs + i));
  let by_first = loss_at(term, first_rank, pairs).y * loss_key(term, 0u, i).yz;
  let by_second = loss_at(term, second_rank, pairs).z * loss_key(term, 1u, i).yz;
  return vec3f(loss_at(term, i, pairs).x, by_first + by_second);
}
