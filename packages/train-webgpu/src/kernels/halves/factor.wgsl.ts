/** Sizes and place of a matrix that is rounded: `rows` are those of the result, `offset` and `stride` count elements as stored. */
export const HALVES_PARAMS = `struct Params { rows: u32, k: u32, k_blocks: u32, stride: u32, offset: u32 }
@group(0) @binding(0) var<uniform> params: Params;`;

/**
 * The power of two that brings a row's largest magnitude to [2^14, 2^15), and its inverse, both from the bits of the exponent, so that
 * they are exact. What is not finite stays so: an infinite row gets a small factor, and no factor makes a number of it.
 */
export const rowFactor = `fn row_factor(largest: f32) -> f32 {
  return bitcast<f32>(min(268u - (bitcast<u32>(largest) >> 23u), 247u) << 23u);
}
fn inverse(factor: f32) -> f32 { return bitcast<f32>((254u << 23u) - bitcast<u32>(factor)); }`;
