/** Sums of rows [N, 4] over the sequences given by offsets [S + 1]; the first column is weighted. */
export function sequenceSumsReference(
  offsets: ArrayLike<number>,
  rows: ArrayLike<number>,
  weights: ArrayLike<number>,
): Float64Array {
  const sums = new Float64Array((offsets.length - 1) * 4);
  for (let s = 0; s + 1 < offsets.length; s++) {
    for (let n = offsets[s]!; n < offsets[s + 1]!; n++) {
      for (let column = 0; column < 4; column++)
        sums[s * 4 + column]! += rows[n * 4 + column]! * (column === 0 ? weights[n]! : 1);
    }
  }
  return sums;
}
