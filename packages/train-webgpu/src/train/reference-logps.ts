import { collatePreferences, pipe, rowsOf, type TokenizedPreferenceRow, type Transform, transform } from "@zephyr/data";
import type { Policy } from "../model/policy.ts";
import { createScorer, type Scorer } from "../model/scorer.ts";
import { lengthDesensitizedWeights } from "../model/stream.ts";

export interface ReferenceLogpsOptions {
  /** Pairs scored at a time; 8 by default. */
  pairsPerBatch?: number;
  /** Under a low-rank adapter the reference is the base model ("off", the default), or the model with the adapter ("on"). */
  adapter?: "on" | "off";
  /** The same `ldAlpha` as `trainPreference` is given. */
  ldAlpha?: number;
}

/**
 * Adds `ref_chosen_logps` and `ref_rejected_logps` (nats, summed over the completion) to tokenized pairs, under the policy as it is
 * when the rows are read. Write the rows before training: afterwards the policy is another model.
 *
 * @example
 * const pairs = await writeRows("pairs.jsonl", pipe(rows, tokenizePreferences(tokenizer, { maxLength: 1024 }), referenceLogps(policy)));
 */
export function referenceLogps<R extends TokenizedPreferenceRow>(
  policy: Policy,
  options: ReferenceLogpsOptions = {},
): Transform<R, R & Required<TokenizedPreferenceRow>> {
  const { pairsPerBatch = 8, adapter = "off", ldAlpha } = options;
  return transform(async function* (rows: AsyncIterable<R>) {
    using scorer = createScorer(policy);
    let group: R[] = [];
    for await (const row of rows) {
      group.push(row);
      if (group.length < pairsPerBatch) continue;
      yield* await score(scorer, group, { adapter, ldAlpha });
      group = [];
    }
    if (group.length > 0) yield* await score(scorer, group, { adapter, ldAlpha });
  });
}

async function score<R extends TokenizedPreferenceRow>(
  scorer: Scorer,
  rows: R[],
  { adapter, ldAlpha }: { adapter: "on" | "off"; ldAlpha: number | undefined },
): Promise<(R & Required<TokenizedPreferenceRow>)[]> {
  for await (const batch of pipe(rowsOf(rows), collatePreferences({ pairsPerBatch: rows.length }))) {
    const rowWeights = ldAlpha === undefined ? {} : { rowWeights: lengthDesensitizedWeights(batch, ldAlpha) };
    const { sequenceLogps } = await scorer.score(batch, { adapter, ...rowWeights });
    return rows.map((row, i) => ({
      ...row,
      ref_chosen_logps: sequenceLogps[i]!,
      ref_rejected_logps: sequenceLogps[rows.length + i]!,
    }));
  }
  return [];
}
