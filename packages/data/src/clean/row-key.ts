import { hashText } from "./hash-text.ts";
import { placeOf, promptOf } from "./row-text.ts";

/**
 * A number in 0..2^53-1 drawn from the seed and the row's identity alone: its `prompt_id`, or else its prompt.
 * Rows of one prompt draw the same, so that they stay together.
 */
export function rowKey(step: string, seed: number, row: object, rowNumber: number): number {
  const { prompt_id: id } = row as { prompt_id?: unknown };
  const identity = typeof id === "string" ? id : promptOf(row, placeOf(step, row, rowNumber));
  const salt = hashText(`${step} ${seed}`, 0x3c6ef372);
  return (hashText(identity, salt) >>> 11) * 2 ** 32 + hashText(identity, salt ^ 0x5bd1e995);
}
