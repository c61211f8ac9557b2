/** Hash of four words to the first of four (Jarzynski and Olano 2020, "Hash Functions for GPU Rendering", listing 5). */
function pcg4d(given: readonly [number, number, number, number]): number {
  const v = given.map((word) => (Math.imul(word, 1664525) + 1013904223) >>> 0);
  const mix = (): void => {
    for (const [to, a, b] of [
      [0, 1, 3],
      [1, 2, 0],
      [2, 0, 1],
      [3, 1, 2],
    ] as const)
      v[to] = (v[to]! + Math.imul(v[a]!, v[b]!)) >>> 0;
  };
  mix();
  for (let i = 0; i < 4; i++) v[i] = (v[i]! ^ (v[i]! >>> 16)) >>> 0;
  mix();
  return v[0]!;
}

/** Inverted dropout in float64 (Srivastava et al. 2014): an element is kept with probability `keep` and divided by it. */
export function dropoutReference(
  x: ArrayLike<number>,
  { seed, draw, stream, keep }: { seed: number; draw: number; stream: number; keep: number },
): Float64Array {
  return Float64Array.from(x, (value, i) => {
    if (draw === 0) return value;
    return (pcg4d([i, stream, draw, seed]) >>> 8) * 2 ** -24 < keep ? value / keep : 0;
  });
}
