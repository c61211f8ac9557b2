import { normals } from "../../testing/numbers.ts";

/** Sequences laid end to end, for the tests. */
export interface AttentionCase {
  heads: number;
  keyValueHeads: number;
  headDim: number;
  window?: number;
  lengths: number[];
}

export function makeCase({ heads, keyValueHeads, headDim, lengths }: AttentionCase) {
  const sequenceOffsets = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, s) => {
    sequenceOffsets[s + 1] = sequenceOffsets[s]! + length;
  });
  const tokens = sequenceOffsets.at(-1)!;
  return {
    tokens,
    sequenceOffsets,
    q: normals(tokens * heads * headDim, 1),
    k: normals(tokens * keyValueHeads * headDim, 2),
    v: normals(tokens * keyValueHeads * headDim, 3),
    dOut: normals(tokens * heads * headDim, 4),
  };
}
