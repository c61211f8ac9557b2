const COLUMNS = ["input_ids", "prompt_ids", "chosen_ids", "rejected_ids"] as const;

/**
 * Throws `RangeError` for the first row with a token id that the model's vocabulary does not hold, before anything is trained: in a run
 * of shuffled rows it would come up hours later.
 */
export function refuseForeignIds(rows: readonly object[], vocabSize: number, flag: string): void {
  for (const row of rows as Partial<Record<(typeof COLUMNS)[number] | "prompt_id", unknown>>[]) {
    for (const column of COLUMNS) {
      const ids = row[column];
      if (!Array.isArray(ids)) continue;
      const at = ids.findIndex((id) => id >= vocabSize);
      if (at < 0) continue;
      throw new RangeError(
        `${flag}: ${String(row.prompt_id)}: ${column} has id ${ids[at]} at place ${at}, the model's vocabulary has ${vocabSize}; the tokenizer and the model do not belong together`,
      );
    }
  }
}
