import { pipe, type Transform, transform, type UntypedRow } from "@zephyr/data";

const NUMBER = "zephyr_row_number";

/**
 * A tokenization whose rows carry a name into every batch: their own `prompt_id`, else `row N`, N being their place in the data,
 * counted from 0 as tokenization counts, whatever was dropped before them or shuffled later. Rows that come of several are `pack N`.
 */
export function namingRows<R extends object>(tokenize: Transform<UntypedRow, R>): Transform<UntypedRow, R> {
  const number = transform(async function* (rows: AsyncIterable<UntypedRow>) {
    let index = 0;
    for await (const row of rows) yield { ...row, [NUMBER]: index++ } as UntypedRow;
  });
  const name = transform(async function* (rows: AsyncIterable<R>) {
    let packs = 0;
    for await (const row of rows) {
      const { [NUMBER]: place, ...rest } = row as R & { [NUMBER]?: number; prompt_id?: unknown };
      const { prompt_id: id } = rest;
      const ownName = typeof id === "string" || typeof id === "number" ? String(id) : undefined;
      yield { ...rest, prompt_id: ownName ?? (place === undefined ? `pack ${packs++}` : `row ${place}`) } as unknown as R;
    }
  });
  return (rows) => pipe(rows, number, hidingNumber(tokenize), name);
}

/** Tokenization tells the columns of a row that it cannot use; ours is none of the user's. */
function hidingNumber<R extends object>(tokenize: Transform<UntypedRow, R>): Transform<UntypedRow, R> {
  return transform(async function* (rows: AsyncIterable<UntypedRow>) {
    try {
      yield* tokenize(rows);
    } catch (error) {
      if (error instanceof Error) error.message = error.message.replace(`, ${NUMBER}`, "");
      throw error;
    }
  });
}

/** Remembers which rows the latest batches held, until a step that is made of them asks. */
export interface RowTrail<B> {
  follow(batches: AsyncIterable<B>): AsyncIterable<B>;
  /** The rows of the batches that were read since the last call, at most those of one step. */
  take(): string[];
}

export function rowTrail<B extends { rowIds?: string[] }>(batchesPerStep: number): RowTrail<B> {
  let latest: string[][] = [];
  return {
    follow: transform(async function* (batches: AsyncIterable<B>) {
      for await (const batch of batches) {
        latest = [...latest, batch.rowIds ?? []].slice(-batchesPerStep);
        yield batch;
      }
    }),
    take() {
      const rows = latest.flat();
      latest = [];
      return rows;
    },
  };
}
