/** RMSNorm in float64: y = x rstd weight, [rows, width]. */
export function rmsNormReference(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  rows: number,
  eps: number,
): { y: Float64Array; rstd: Float64Array } {
  const width = weight.length;
  const y = new Float64Array(rows * width);
  const rstd = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    let meanSquare = 0;
    for (let c = 0; c < width; c++) meanSquare += x[r * width + c]! ** 2 / width;
    rstd[r] = 1 / Math.sqrt(meanSquare + eps);
    for (let c = 0; c < width; c++) y[r * width + c] = x[r * width + c]! * rstd[r]! * weight[c]!;
  }
  return { y, rstd };
}

/** Its gradient, by the chain rule through rstd. */
export function rmsNormGradientReference(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  dy: ArrayLike<number>,
  rows: number,
  eps: number,
): { dx: Float64Array; dweight: Float64Array } {
  const width = weight.length;
  const { rstd } = rmsNormReference(x, weight, rows, eps);
  const dx = new Float64Array(rows * width);
  const dweight = new Float64Array(width);
  for (let r = 0; r < rows; r++) {
    let drstd = 0;
    for (let c = 0; c < width; c++) {
      const at = r * width + c;
      dweight[c]! += dy[at]! * x[at]! * rstd[r]!;
      drstd += dy[at]! * weight[c]! * x[at]!;
    }
    for (let c = 0; c < width; c++) {
      const at = r * width + c;
      dx[at] = dy[at]! * weight[c]! * rstd[r]! - (drstd * rstd[r]! ** 3 * x[at]!) / width;
    }
  }
  return { dx, dweight };
}
