import { collateSequences, pipe, rowsOf, type TokenizedRow, transform } from "@zephyr/data";
import type { Scorer } from "@zephyr/train-webgpu";

/** log p(token t+1 given tokens up to t) of a sequence [T], and whether each was the likeliest token. */
export interface TokenScores {
  /** [T - 1] nats. */
  tokenLogps: number[];
  /** [T - 1]. */
  greedy: boolean[];
}

/** Scores all tokens of sequences, in their order, as many at a time as `tokensPerBatch` allows. */
export async function scoreSequences(
  scorer: Scorer,
  sequences: readonly number[][],
  tokensPerBatch: number,
): Promise<TokenScores[]> {
  const longest = Math.max(0, ...sequences.map((ids) => ids.length));
  // A sequence of one token has nothing to predict, and a batch of such ones nothing to score.
  const rows = sequences
    .filter((ids) => ids.length > 1)
    .map((ids): TokenizedRow => ({ input_ids: ids, completion_mask: ids.map(() => 1) }));
  const scored: TokenScores[] = [];
  const collate = collateSequences({ tokensPerBatch: Math.max(tokensPerBatch, longest) });
  for await (const batch of pipe(rowsOf(rows), collate)) {
    const { tokenLogps, greedy } = await scorer.score(batch);
    let at = 0;
    for (let s = 0; s + 1 < batch.sequenceOffsets.length; s++) {
      const count = batch.sequenceOffsets[s + 1]! - batch.sequenceOffsets[s]! - 1;
      scored.push({
        tokenLogps: Array.from(tokenLogps.subarray(at, at + count)),
        greedy: Array.from(greedy.subarray(at, at + count), (bit) => bit === 1),
      });
      at += count;
    }
  }
  const next = scored.values();
  return sequences.map((ids) => (ids.length > 1 ? next.next().value! : { tokenLogps: [], greedy: [] }));
}

/** Rows in groups of so many, for work that is done on several at a time. */
export function inGroups<R>(size: number): (rows: AsyncIterable<R>) => AsyncIterable<R[]> {
  return transform(async function* (rows: AsyncIterable<R>) {
    let group: R[] = [];
    for await (const row of rows) {
      group.push(row);
      if (group.length < size) continue;
      yield group;
      group = [];
    }
    if (group.length > 0) yield group;
  });
}
