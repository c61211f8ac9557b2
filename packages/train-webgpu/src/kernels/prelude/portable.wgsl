// A row is owned by one invocation, for adapters without subgroups of a known size.
const ROWS = 32u;

fn row_sum(x: f32) -> f32 { return x; }
fn row_max(x: f32) -> f32 { return x; }
fn row_min_u32(x: u32) -> u32 { return x; }
