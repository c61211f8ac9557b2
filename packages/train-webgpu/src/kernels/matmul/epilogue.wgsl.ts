/** Sizes and places of a product; the same for every kernel. */
export const MATMUL_PARAMS = `struct Params {
  m: u32, n: u32, k4: u32, a_stride: u32, b_stride: u32, c_stride: u32, a_offset: u32, b_offset: u32, c_offset: u32, accumulate: u32, alpha: f32
}
@group(0) @binding(0) var<uniform> params: Params;`;

/** How an entry of C is written: alpha times the sum, with the residual or what C held before. `store_four` minds the edges. */
export const storeFunction = (residual: boolean): string => `@group(0) @binding(3) var<storage, read_write> c: array<f32>;
${residual ? "@group(0) @binding(4) var<storage, read> residual: array<f32>;" : ""}
fn store(row: u32, column: u32, sum: f32) {
  let at = params.c_offset + row * params.c_stride + column;
  var value = params.alpha * sum;
  ${residual ? "value += residual[at];" : "if (params.accumulate == 1u) { value += c[at]; }"}
  c[at] = value;
}
fn store_four(row: u32, column: u32, sums: vec4f) {
  if (row >= params.m) { return; }
  for (var i = 0u; i < 4u; i++) {
    if (column + i < params.n) { store(row, column + i, sums[i]); }
  }
}`;
