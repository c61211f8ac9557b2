import type { TokenBatch } from "../batch.ts";

/** One whole sequence: its ids, and the mask of what is learnt. */
export interface Sequence {
  ids: readonly number[];
  mask: readonly number[];
}

/** Lays S sequences end to end into a ragged stream of T tokens; the first token of each is never a target. */
export function layStream(sequences: readonly Sequence[], rowIds: string[]): TokenBatch {
  const total = sequences.reduce((sum, { ids }) => sum + ids.length, 0);
  const batch = {
    inputIds: new Uint32Array(total),
    positions: new Uint32Array(total),
    sequenceOffsets: new Uint32Array(sequences.length + 1),
    completionMask: new Uint8Array(total),
    rowIds,
  };
  let at = 0;
  for (const [s, { ids, mask }] of sequences.entries()) {
    batch.sequenceOffsets[s] = at;
    for (let i = 0; i < ids.length; i++, at++) {
      batch.inputIds[at] = ids[i]!;
      batch.positions[at] = i;
      batch.completionMask[at] = i === 0 ? 0 : mask[i]!;
    }
  }
  batch.sequenceOffsets[sequences.length] = total;
  return batch;
}

/** A row's own id, else its number among the rows collated. */
export function rowId(row: object, index: number): string {
  const id = (row as { prompt_id?: unknown }).prompt_id;
  return typeof id === "string" ? id : `row ${index}`;
}

export function checkCount(value: number, name: string, caller: string): void {
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`${caller}: ${name} is ${value}; it must be a whole number from 1`);
}
