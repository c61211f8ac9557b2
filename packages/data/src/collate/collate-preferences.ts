import type { PreferenceBatch } from "../batch.ts";
import { transform } from "../pipe.ts";
import type { Rows, TokenizedPreferenceRow } from "../rows.ts";
import { checkCount, layStream, rowId, type Sequence } from "./token-stream.ts";

type LogpsKey = "ref_chosen_logps" | "ref_rejected_logps";

/**
 * Token ids of pairs as batches for the trainer: the B chosen sequences, then the B rejected ones, end to end without padding. The last
 * batch may hold fewer pairs.
 *
 * @throws Error when an answer is empty, or only some rows of a batch hold reference log-probabilities.
 * @example
 * for await (const batch of pipe(pairs, collatePreferences({ pairsPerBatch: 4 }))) console.log(batch.pairs, batch.inputIds.length);
 */
export function collatePreferences({
  pairsPerBatch,
}: {
  pairsPerBatch: number;
}): (rows: AsyncIterable<TokenizedPreferenceRow>) => Rows<PreferenceBatch> {
  checkCount(pairsPerBatch, "pairsPerBatch", "collatePreferences");
  return transform(async function* (rows: AsyncIterable<TokenizedPreferenceRow>) {
    let window: TokenizedPreferenceRow[] = [];
    let first = 0;
    for await (const row of rows) {
      window.push(row);
      if (window.length < pairsPerBatch) continue;
      yield collatePairs(window, first);
      first += window.length;
      window = [];
    }
    if (window.length > 0) yield collatePairs(window, first);
  });
}

function collatePairs(rows: TokenizedPreferenceRow[], first: number): PreferenceBatch {
  const ids = rows.map((row, i) => rowId(row, first + i));
  const half = (key: "chosen_ids" | "rejected_ids"): Sequence[] =>
    rows.map((row, i) => {
      if (row[key].length === 0) throw new Error(`collatePreferences: ${ids[i]}: ${key} is empty; remove the row`);
      return { ids: [...row.prompt_ids, ...row[key]], mask: [...row.prompt_ids.map(() => 0), ...row[key].map(() => 1)] };
    });
  const refChosenLogps = logps(rows, "ref_chosen_logps", ids);
  const refRejectedLogps = logps(rows, "ref_rejected_logps", ids);
  return {
    ...layStream([...half("chosen_ids"), ...half("rejected_ids")], ids),
    pairs: rows.length,
    ...(refChosenLogps && refRejectedLogps ? { refChosenLogps, refRejectedLogps } : {}),
  };
}

/** [B] the column, or undefined where no row has it. */
function logps(rows: TokenizedPreferenceRow[], key: LogpsKey, ids: string[]): Float64Array<ArrayBuffer> | undefined {
  const missing = rows.findIndex((row) => typeof row[key] !== "number");
  if (missing < 0) return Float64Array.from(rows, (row) => row[key]!);
  if (rows.every((row) => row.ref_chosen_logps === undefined && row.ref_rejected_logps === undefined)) return undefined;
  throw new Error(
    `collatePreferences: ${ids[missing]} has no ${key}, but other columns or rows have; compute the reference for all rows`,
  );
}
