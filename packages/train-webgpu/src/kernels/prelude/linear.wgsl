const WORKGROUP = LANES * ROWS;

// Counts above 65,535 workgroups are folded into y by the executor.
fn linear(id: vec3u, count: vec3u) -> u32 { return id.x + id.y * count.x; }
