/** y[t, c] = table[ids[t], c]. */
export function embeddingReference(ids: ArrayLike<number>, table: ArrayLike<number>, width: number): Float64Array {
  return Float64Array.from({ length: ids.length * width }, (_, i) => table[ids[Math.floor(i / width)]! * width + (i % width)]!);
}

/** dtable[id] = sum of dy[t] over the tokens with that id. */
export function embeddingGradientReference(
  ids: ArrayLike<number>,
  dy: ArrayLike<number>,
  vocabulary: number,
  width: number,
): Float64Array {
  const dtable = new Float64Array(vocabulary * width);
  for (let t = 0; t < ids.length; t++) for (let c = 0; c < width; c++) dtable[ids[t]! * width + c]! += dy[t * width + c]!;
  return dtable;
}
