/** Columns of token ids and masks. As lists of numbers they would cost a thread's border 30 ns a number, as one typed array 6. */
const ID_COLUMNS = ["input_ids", "completion_mask", "prompt_ids", "chosen_ids", "rejected_ids"] as const;

/** Tokenized rows on their way between threads: the ids of all rows lie end to end, and a row holds how many of them are its own. */
export interface PackedRows {
  rows: object[];
  ids: Int32Array<ArrayBuffer>;
}

type Columns = Record<string, unknown>;

/** Takes the ids out of rows, which are changed: each list of ids becomes its length, in the same place of the row. */
export function packIds(rows: object[]): PackedRows {
  let total = 0;
  for (const row of rows as Columns[]) for (const name of ID_COLUMNS) total += (row[name] as number[] | undefined)?.length ?? 0;
  const ids = new Int32Array(total);
  let at = 0;
  for (const row of rows as Columns[]) {
    for (const name of ID_COLUMNS) {
      const own = row[name] as number[] | undefined;
      if (!own) continue;
      ids.set(own, at);
      at += own.length;
      row[name] = own.length;
    }
  }
  return { rows, ids };
}

/** Puts the ids back into their rows, which are changed. */
export function unpackIds({ rows, ids }: PackedRows): object[] {
  let at = 0;
  for (const row of rows as Columns[]) {
    for (const name of ID_COLUMNS) {
      const length = row[name];
      if (typeof length !== "number") continue;
      const own: number[] = new Array(length);
      for (let i = 0; i < length; i++) own[i] = ids[at + i]!;
      row[name] = own;
      at += length;
    }
  }
  return rows;
}
