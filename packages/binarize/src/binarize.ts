import type { PreferenceRow, RatedRow, UnparsedLine, UnparsedRows } from "@zephyr/data";
import { codedError } from "./coded-error.ts";
import { rowDraw } from "./draw.ts";
import { type H4PreferenceRow, type ListwiseRow, listwiseRow, pairRow, type UnpairedRow, unpairedRow } from "./format.ts";
import { decodedRow } from "./lines/raw-text.ts";
import { readLine } from "./lines/read-line.ts";
import { type BinarizeOptions, checkOptions, type Settings } from "./options.ts";
import { type PairPresetName, pairPresets } from "./presets.ts";
import { describe, type ReadRow, readRow, rowPlace, sha256 } from "./rated-row.ts";
import { ReportBuilder } from "./report.ts";
import { listwise } from "./rules/listwise.ts";
import type { Candidate } from "./rules/rule.ts";
import { unpaired } from "./rules/unpaired.ts";
import { type Score, scoreCompletions } from "./scores.ts";

/** Rated rows in, rows `Out` out; the columns that neither side knows stay. */
export type Binarizer<Out> = <R extends RatedRow>(
  rows: AsyncIterable<R>,
) => AsyncIterable<Out & Omit<R, keyof Out | "completions" | "prompt" | "prompt_id">>;

/**
 * Turns rated completions into preference rows by a published rule, row by row, in order and in constant memory.
 *
 * Presets: "zephyr-paper" (best mean of the aspects, random other), "h4" (best overall score, random other),
 * "argilla" (best mean, random strictly lower), "max-min", "all-pairs", "margin", "unpaired" (KTO), "listwise".
 * What a row draws depends on `seed` and its `prompt_id` only, so order, sharding and resuming change nothing.
 *
 * Throws RangeError (`UNKNOWN_PRESET`, `BAD_OPTION`) at once; while iterating TypeError (`BAD_ROW`), RangeError (`BAD_RATING`
 * unless `onBadRating: "drop"`, `TOO_FEW_RATED` if `onTooFew: "error"`), each naming row, completion and aspect.
 *
 * Source: Tunstall et al. 2023 (Zephyr), section 4.1; cards of HuggingFaceH4/ultrafeedback_binarized and argilla/ultrafeedback-binarized-preferences-cleaned.
 *
 * @example
 * const pairs = binarize({ preset: "zephyr-paper", seed: 0 })(ratedRows);
 * for await (const { prompt, chosen, rejected, score_chosen } of pairs) console.log(score_chosen);
 */
export function binarize(
  options: BinarizeOptions & { preset: PairPresetName; format?: "trl" | undefined },
): Binarizer<PreferenceRow>;
export function binarize(options: BinarizeOptions & { preset: PairPresetName; format: "h4" }): Binarizer<H4PreferenceRow>;
export function binarize(options: BinarizeOptions & { preset: "unpaired" }): Binarizer<UnpairedRow>;
export function binarize(options: BinarizeOptions & { preset: "listwise" }): Binarizer<ListwiseRow>;
export function binarize(options: BinarizeOptions): Binarizer<PreferenceRow | H4PreferenceRow | UnpairedRow | ListwiseRow>;
export function binarize(options: BinarizeOptions): (rows: AsyncIterable<RatedRow>) => AsyncIterable<never> {
  const settings = checkOptions(options);
  return (rows) => {
    if (!("unparsedLines" in rows))
      return { [Symbol.asyncIterator]: () => binarizeRows(rows, settings) as AsyncGenerator<never> };
    const lines = () => (rows as UnparsedRows<RatedRow>).unparsedLines();
    const pairs = {
      async *[Symbol.asyncIterator]() {
        for await (const batch of binarizeLines(lines(), settings, decodedRow)) yield* batch as never[];
      },
    };
    const jsonLines = () => binarizeLines(lines(), settings, (row) => JSON.stringify(row));
    // Not for copies: whoever gives a copy other rows must not keep the lines.
    return Object.defineProperty(pairs, "jsonLines", { value: jsonLines, enumerable: false });
  };
}

async function* binarizeRows(rows: AsyncIterable<unknown>, settings: Settings): AsyncGenerator<Record<string, unknown>> {
  const report = settings.onReport && new ReportBuilder(settings);
  let rowNumber = 0;
  for await (const raw of rows) {
    rowNumber += 1;
    yield* outputRows(await readRow(raw, rowNumber), rowNumber, settings, report);
  }
  if (report) settings.onReport?.(report.finish());
}

/** The same out of lines, of which what is thrown away is never decoded; `finish` makes of each row what is wanted. */
async function* binarizeLines<T>(
  lines: AsyncIterable<readonly UnparsedLine[]>,
  settings: Settings,
  finish: (row: Record<string, unknown>) => T,
): AsyncGenerator<readonly T[]> {
  const report = settings.onReport && new ReportBuilder(settings);
  let rowNumber = 0;
  for await (const batch of lines) {
    const finished: T[] = [];
    try {
      for (const line of batch) {
        rowNumber += 1;
        const row = readLine(line.text) ?? (await readRow(line.parse(), rowNumber));
        if (row.promptId === "") row.promptId = await sha256(orParsed(line, () => String(row.prompt[0]!.content)));
        for (const output of outputRows(row, rowNumber, settings, report)) finished.push(orParsed(line, () => finish(output)));
      }
    } finally {
      // Before an error, too.
      yield finished;
    }
  }
  if (report) settings.onReport?.(report.finish());
}

/** Where a text that is used after all is no JSON, its line is none, which parsing it says best. */
function orParsed<T>(line: UnparsedLine, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    line.parse();
    throw cause;
  }
}

/** What one row becomes: nothing where too few of its completions are rated. */
function outputRows(
  row: ReadRow,
  rowNumber: number,
  settings: Settings,
  report: ReportBuilder | undefined,
): Record<string, unknown>[] {
  const candidates = ratedCandidates(row, rowNumber, settings, report);
  report?.addRow(row, candidates);
  const fewest = settings.preset === "unpaired" ? 1 : 2;
  if (candidates.length >= fewest) return selectedRows(row, candidates, settings, report);
  refuseTooFew(row, rowNumber, candidates.length, fewest, settings);
  report?.addDropped("too_few", row);
  return [];
}

/** What one row becomes under the preset's rule. */
function selectedRows(
  row: ReadRow,
  candidates: readonly Candidate[],
  settings: Settings,
  report: ReportBuilder | undefined,
): Record<string, unknown>[] {
  const { preset, seed, margin, format, threshold } = settings;
  if (preset === "unpaired") {
    return unpaired(candidates, threshold).map(({ candidate, label }) => {
      report?.addLabel(row, candidate, label);
      return unpairedRow(row, candidate, label);
    });
  }
  if (preset === "listwise") {
    report?.addList();
    return [listwiseRow(row, listwise(candidates))];
  }
  const selection = pairPresets[preset].rule(candidates, rowDraw(seed, row.promptId), margin);
  if ("dropped" in selection) {
    report?.addDropped(selection.dropped, row);
    return [];
  }
  return selection.pairs.map((pair) => {
    report?.addPair(row, pair);
    return pairRow(row, pair, format);
  });
}

function ratedCandidates(row: ReadRow, rowNumber: number, settings: Settings, report: ReportBuilder | undefined): Candidate[] {
  const candidates: Candidate[] = [];
  const scores = scoreCompletions(row.completions, settings.score, settings.scales);
  for (const [index, score] of scores.entries()) {
    if (score.kind === "rated") candidates.push({ index, score: score.value });
    if (score.kind !== "bad") continue;
    if (settings.onBadRating === "error") throw badRating(row, rowNumber, index, score);
    report?.addBadRating(row, rowNumber, index, score);
  }
  return candidates;
}

function badRating(row: ReadRow, rowNumber: number, index: number, { aspect, rating, why }: Score & { kind: "bad" }) {
  const model = row.completions[index]?.model;
  const completion = `completion ${index}${model === undefined ? "" : ` (model ${JSON.stringify(model)})`}`;
  return codedError(
    new RangeError(
      `binarize: ${rowPlace(rowNumber, row.promptId)}, ${completion}, aspect "${aspect}": rating ${describe(rating)} ${why}; ` +
        `correct it, or pass onBadRating: "drop" to leave such completions out`,
    ),
    "BAD_RATING",
  );
}

function refuseTooFew(row: ReadRow, rowNumber: number, rated: number, fewest: number, settings: Settings): void {
  if (settings.onTooFew === "drop") return;
  const needs = `${settings.score === "mean" ? "aspect ratings" : "overall_score"} on at least ${fewest} completions`;
  throw codedError(
    new RangeError(
      `binarize: ${rowPlace(rowNumber, row.promptId)} has ${rated} rated completions of ${row.completions.length}, ` +
        `preset "${settings.preset}" needs ${needs}; pass onTooFew: "drop" to leave such rows out`,
    ),
    "TOO_FEW_RATED",
  );
}
