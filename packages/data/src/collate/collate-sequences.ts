import type { TokenBatch } from "../batch.ts";
import { transform } from "../pipe.ts";
import type { Rows } from "../rows.ts";
import type { PackedRow } from "./pack-sequences.ts";
import { checkCount, layStream, rowId, type Sequence } from "./token-stream.ts";

/** Rows (or packs) per batch, or the most tokens that a batch may hold. */
export type CollateSequencesOptions = { sequencesPerBatch: number } | { tokensPerBatch: number };

/**
 * Tokenized rows as batches for the trainer, in their order. Each row is a sequence; each document of a packed row (`seq_lengths`) is a
 * sequence of its own, so attention does not cross documents and positions start over.
 *
 * @throws RangeError when a row alone is longer than `tokensPerBatch`, naming it.
 * @example
 * const batches = pipe(rows, packSequences({ maxLength: 2048 }), collateSequences({ sequencesPerBatch: 1 }));
 */
export function collateSequences(options: CollateSequencesOptions): (rows: AsyncIterable<PackedRow>) => Rows<TokenBatch> {
  const mostRows = "sequencesPerBatch" in options ? options.sequencesPerBatch : Number.MAX_SAFE_INTEGER;
  const mostTokens = "tokensPerBatch" in options ? options.tokensPerBatch : Number.MAX_SAFE_INTEGER;
  checkCount(mostRows, "sequencesPerBatch", "collateSequences");
  checkCount(mostTokens, "tokensPerBatch", "collateSequences");
  return transform(async function* (rows: AsyncIterable<PackedRow>) {
    let window: Sequence[][] = [];
    let ids: string[] = [];
    let tokens = 0;
    let index = 0;
    for await (const row of rows) {
      const id = rowId(row, index++);
      const size = row.input_ids.length;
      if (size > mostTokens)
        throw new RangeError(
          `collateSequences: ${id} has ${size} tokens, but a batch holds ${mostTokens}; lower maxLength or raise tokensPerBatch`,
        );
      if (window.length === mostRows || tokens + size > mostTokens) {
        yield layStream(window.flat(), ids);
        window = [];
        ids = [];
        tokens = 0;
      }
      window.push(documents(row, id));
      ids.push(id);
      tokens += size;
    }
    if (window.length > 0) yield layStream(window.flat(), ids);
  });
}

function documents({ input_ids, completion_mask, seq_lengths }: PackedRow, id: string): Sequence[] {
  if (completion_mask.length !== input_ids.length) {
    throw new RangeError(
      `collateSequences: ${id} has ${input_ids.length} input_ids but ${completion_mask.length} entries in completion_mask`,
    );
  }
  if (!seq_lengths) return [{ ids: input_ids, mask: completion_mask }];
  const total = seq_lengths.reduce((sum, length) => sum + length, 0);
  if (total !== input_ids.length)
    throw new RangeError(`collateSequences: ${id}: seq_lengths add up to ${total}, but there are ${input_ids.length} tokens`);
  let start = 0;
  return seq_lengths.map((length) => {
    start += length;
    return { ids: input_ids.slice(start - length, start), mask: completion_mask.slice(start - length, start) };
  });
}
