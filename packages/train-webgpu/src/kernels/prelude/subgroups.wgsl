// A row is owned by one subgroup; its lanes stride over the columns and reduce together.
diagnostic(off, subgroup_uniformity);

const ROWS = 1u;

fn row_sum(x: f32) -> f32 { return subgroupAdd(x); }
fn row_max(x: f32) -> f32 { return subgroupMax(x); }
fn row_min_u32(x: u32) -> u32 { return subgroupMin(x); }
