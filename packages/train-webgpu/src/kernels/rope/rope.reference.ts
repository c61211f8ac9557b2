/** Rotary embedding of one head's row [D] at a position, in float64, in the half-split layout of Hugging Face's Llama. */
export function ropeReference(row: ArrayLike<number>, position: number, inverseFrequencies: ArrayLike<number>): Float64Array {
  const half = inverseFrequencies.length;
  const out = new Float64Array(2 * half);
  for (let c = 0; c < half; c++) {
    const angle = position * inverseFrequencies[c]!;
    out[c] = row[c]! * Math.cos(angle) - row[c + half]! * Math.sin(angle);
    out[c + half] = row[c + half]! * Math.cos(angle) + row[c]! * Math.sin(angle);
  }
  return out;
}
