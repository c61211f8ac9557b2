const FIELDS =
  "m: u32, n: u32, k4: u32, a_stride: u32, b_stride: u32, c_stride: u32, a_offset: u32, b_offset: u32, c_offset: u32, accumulate: u32, alpha: f32";
const uniform = (fields: string): string => `struct Params { ${fields} }
@group(0) @binding(0) var<uniform> params: Params;`;

/** Sizes and places of a product; the same for every kernel. */
export const MATMUL_PARAMS = uniform(FIELDS);
/** The same where a launch sums parts of k apart, each of `part_k4` fours. */
export const PARTED_PARAMS = uniform(`${FIELDS}, part_k4: u32`);

/** Writes four neighbours, minding the edges. */
const storeFour = `fn store_four(row: u32, column: u32, sums: vec4f) {
  if (row >= params.m) { return; }
  for (var i = 0u; i < 4u; i++) {
    if (column + i < params.n) { store(row, column + i, sums[i]); }
  }
}`;

/** How an entry of C is written: alpha times the sum, with the residual or what C held before. */
export const storeFunction = (residual: boolean): string => `@group(0) @binding(3) var<storage, read_write> c: array<f32>;
${residual ? "@group(0) @binding(4) var<storage, read> residual: array<f32>;" : ""}
fn store(row: u32, column: u32, sum: f32) {
  let at = params.c_offset + row * params.c_stride + column;
  var value = params.alpha * sum;
  ${residual ? "value += residual[at];" : "if (params.accumulate == 1u) { value += c[at]; }"}
  c[at] = value;
}
${storeFour}`;

/** How a part's sum is written, beside those of the other parts: [parts, m, n]. */
export const storePartFunction = `@group(0) @binding(3) var<storage, read_write> c: array<f32>;
var<private> part: u32;
fn store(row: u32, column: u32, sum: f32) { c[(part * params.m + row) * params.n + column] = sum; }
${storeFour}`;
