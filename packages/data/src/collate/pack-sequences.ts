import { transform } from "../pipe.ts";
import type { Rows, TokenizedRow } from "../rows.ts";
import { bestFitDecreasing } from "./best-fit.ts";

/** Several documents laid end to end; `seq_lengths` are the documents' lengths, absent where documents are cut anywhere. */
export interface PackedRow extends TokenizedRow {
  seq_lengths?: number[];
}

/** How rows are put into packs, by TRL's names. */
export type PackingStrategy = "bfd" | "bfd_split" | "wrapped";

export interface PackSequencesOptions {
  /** Tokens per pack. */
  maxLength: number;
  /** Best fit decreasing with long rows cut (bfd) or split (bfd_split), or one stream cut every `maxLength` tokens (wrapped). */
  strategy?: PackingStrategy;
}

/** TRL packs what `datasets.map` hands it: 1,000 rows at a time. */
const ROWS_PER_WINDOW = 1000;

/**
 * Packs tokenized rows into rows of at most `maxLength` tokens, in the very packs and order of TRL's `pack_dataset`. Holds 1,000 rows.
 *
 * @throws RangeError for a maximal length below 1, or an unknown strategy.
 * @example
 * const packs = pipe(rows, tokenizeDialogues(tokenizer), packSequences({ maxLength: 2048 }));
 */
export function packSequences({
  maxLength,
  strategy = "bfd",
}: PackSequencesOptions): (rows: AsyncIterable<TokenizedRow>) => Rows<PackedRow> {
  if (!Number.isInteger(maxLength) || maxLength < 1)
    throw new RangeError(`packSequences: maxLength is ${maxLength}; it must be a positive whole number of tokens`);
  if (!["bfd", "bfd_split", "wrapped"].includes(strategy))
    throw new RangeError(`packSequences: unknown strategy "${strategy}"; use bfd, bfd_split or wrapped`);
  const pack = strategy === "wrapped" ? packWrapped : strategy === "bfd" ? packCut : packSplit;
  return transform(async function* (rows: AsyncIterable<TokenizedRow>) {
    let window: TokenizedRow[] = [];
    for await (const row of rows) {
      window.push(row);
      if (window.length < ROWS_PER_WINDOW) continue;
      yield* pack(window, maxLength);
      window = [];
    }
    if (window.length > 0) yield* pack(window, maxLength);
  });
}

function slice(row: TokenizedRow, start: number, end: number): TokenizedRow {
  return { input_ids: row.input_ids.slice(start, end), completion_mask: row.completion_mask.slice(start, end) };
}

function join(documents: TokenizedRow[]): PackedRow {
  return {
    input_ids: documents.flatMap((row) => row.input_ids),
    completion_mask: documents.flatMap((row) => row.completion_mask),
    seq_lengths: documents.map((row) => row.input_ids.length),
  };
}

function packBestFit(documents: TokenizedRow[], maxLength: number): PackedRow[] {
  const lengths = documents.map((row) => row.input_ids.length);
  return bestFitDecreasing(lengths, maxLength).map((bin) => join(bin.map((index) => documents[index]!)));
}

function packCut(rows: TokenizedRow[], maxLength: number): PackedRow[] {
  const documents = rows.filter((row) => row.input_ids.length > 0).map((row) => slice(row, 0, maxLength));
  return packBestFit(documents, maxLength);
}

function packSplit(rows: TokenizedRow[], maxLength: number): PackedRow[] {
  const documents: TokenizedRow[] = [];
  for (const row of rows) {
    for (let start = 0; start < row.input_ids.length; start += maxLength) documents.push(slice(row, start, start + maxLength));
  }
  return packBestFit(documents, maxLength);
}

function packWrapped(rows: TokenizedRow[], maxLength: number): PackedRow[] {
  const { input_ids, completion_mask } = join(rows);
  const packs: PackedRow[] = [];
  for (let start = 0; start < input_ids.length; start += maxLength)
    packs.push(slice({ input_ids, completion_mask }, start, start + maxLength));
  return packs;
}
