// dtable[id, c] += sum over the tokens t with that id of dy[t, c]
// distinct_ids [distinct]; offsets [distinct + 1] into order; order [tokens]: token indices sorted by id, in stream order within an id.
// dy [tokens, width]; dtable: rows first_row to first_row + rows - 1 of [vocabulary, width], cleared or holding earlier micro-batches.
// One row per subgroup, its tokens in order: no atomics, the same bits every run.
// Reference: embedding.reference.ts.  Dispatch: rowGroups(distinct).

struct Params { distinct: u32, width: u32, first_row: u32, rows: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> distinct_ids: array<u32>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read> order: array<u32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dtable: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = linear(id, count) * ROWS + local.x / LANES;
  if (row >= params.distinct) { return; }
  // Wraps around for an id before the slab, so that one comparison covers both ends.
  let table_row = distinct_ids[row] - params.first_row;
  if (table_row >= params.rows) { return; }
  let base = table_row * params.width;
  for (var c = local.x % LANES; c < params.width; c += LANES) {
    var sum = 0f;
    for (var k = offsets[row]; k < offsets[row + 1u]; k++) {
      sum += dy[order[k] * params.width + c];
    }
    dtable[base + c] += sum;
  }
}
