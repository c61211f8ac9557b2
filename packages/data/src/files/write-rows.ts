import { writeParquet } from "../parquet/write-parquet.ts";
import type { Rows } from "../rows.ts";
import { writeAtomically } from "./atomic-file.ts";
import { fileFormat } from "./file-format.ts";
import { readRows } from "./read-rows.ts";
import { writeJson } from "./write-json.ts";

/** Rows that lie in a file: re-iterable, with how many there are. */
export interface WrittenRows<R> extends Rows<R> {
  path: string;
  count: number;
}

/**
 * Writes rows to a file in the format of its ending and returns them as read back from it, so that what comes after no longer
 * depends on what came before (a model that trains, a provider that answers). The file appears whole or not at all.
 *
 * @throws RangeError for NaN, Infinity and whatever else JSON would change silently, naming file, row and key.
 * @example
 * const pairs = await writeRows("pairs.jsonl", pipe(preferences, tokenizePreferences(tokenizer, { maxLength: 1024 })));
 */
export async function writeRows<R extends object>(path: string, rows: AsyncIterable<R>): Promise<WrittenRows<R>> {
  const caller = "writeRows";
  const { container, compression } = fileFormat(path, caller);
  const count = await writeAtomically(path, caller, (sink) =>
    container === "parquet"
      ? writeParquet(rows, { sink, path, caller })
      : writeJson(rows, { sink, path, array: container === "json", compression, caller }),
  );
  return { ...readRows<R>(path), path, count };
}
