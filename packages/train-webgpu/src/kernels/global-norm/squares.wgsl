// partial[group] = sum of x[i]^2 over the group's elements: group g of `groups` takes i = g, g + groups, ... in strides of a row of lanes.
// x [elements]; partial [groups] from partial_offset.  One partial per subgroup.  Sums in f32 of at most elements / (groups LANES) squares each.
// Reference: global-norm.reference.ts.  Dispatch: rowGroups(groups).

struct Params { elements: u32, groups: u32, partial_offset: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let group = linear(id, count) * ROWS + local.x / LANES;
  if (group >= params.groups) { return; }
  let lane = local.x % LANES;
  var squares = 0f;
  for (var i = group * LANES + lane; i < params.elements; i += params.groups * LANES) {
    squares += x[i] * x[i];
  }
  let sum = row_sum(squares);
  if (lane == 0u) { partials[params.partial_offset + group] = sum; }
}
