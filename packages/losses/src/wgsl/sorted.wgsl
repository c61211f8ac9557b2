// Losses over sorted keys (optimal transport in one dimension): the pair whose first key has rank k meets the pair whose
// second key has rank k, and each gets its own side of the gradient. Entry i of the batch is the loss of rank i.
// Equal keys keep their order. Scratch, in units of the P pairs: 0 first keys; 1 second keys; 2 the pair at each rank of
// the second keys; 3 the loss of each rank, 4 and 5 each pair's chosen and rejected gradient, summed over the terms.

fn loss_rank(column: u32, i: u32, pairs: u32) -> u32 {
  let key = loss_scratch_get(column * pairs + i);
  var rank = 0u;
  for (var j = 0u; j < pairs; j++) {
    let other = loss_scratch_get(column * pairs + j);
    rank += select(0u, 1u, other < key || (other == key && j < i));
  }
  return rank;
}

fn loss_add(k: u32, value: f32) { loss_scratch_set(k, loss_scratch_get(k) + value); }

fn loss_sorted_term(term: u32, pairs: u32) {
  for (var i = 0u; i < pairs; i++) {
    loss_scratch_set(i, loss_first_key(term, i).x);
    loss_scratch_set(pairs + i, loss_second_key(term, i).x);
  }
  for (var i = 0u; i < pairs; i++) { loss_scratch_set(2u * pairs + loss_rank(1u, i, pairs), f32(i)); }
  for (var i = 0u; i < pairs; i++) {
    let rank = loss_rank(0u, i, pairs);
    let partner = u32(loss_scratch_get(2u * pairs + rank));
    let first = vec3f(loss_scratch_get(i), 1.0, 0.0);
    let second = vec3f(loss_scratch_get(pairs + partner), 0.0, 1.0);
    let loss = loss_at_rank(term, first, second);
    let by_first = loss.y * loss_first_key(term, i).yz;
    let by_second = loss.z * loss_second_key(term, partner).yz;
    loss_add(3u * pairs + rank, loss.x);
    loss_add(4u * pairs + i, by_first.x);
    loss_add(5u * pairs + i, by_first.y);
    loss_add(4u * pairs + partner, by_second.x);
    loss_add(5u * pairs + partner, by_second.y);
  }
}

fn loss_sorted(terms: u32, pairs: u32) {
  for (var k = 3u * pairs; k < 6u * pairs; k++) { loss_scratch_set(k, 0.0); }
  for (var term = 0u; term < terms; term++) { loss_sorted_term(term, pairs); }
}

fn loss_sorted_entry(i: u32, pairs: u32) -> vec3f {
  return vec3f(loss_scratch_get(3u * pairs + i), loss_scratch_get(4u * pairs + i), loss_scratch_get(5u * pairs + i));
}
