import { transform } from "../pipe.ts";
import { placeOf } from "./row-text.ts";

/** How many drops and changes a report shows. */
const EXAMPLES = 5;
const EXCERPT = 160;

/** One row that a step left out; rows count from 1 in the step's own input. */
export interface Drop {
  step: string;
  row: number;
  prompt_id?: string;
  reason: string;
  detail: string;
  excerpt: string;
}

/** One text that a step rewrote. */
export interface Change {
  step: string;
  row: number;
  before: string;
  after: string;
}

/** What one pass of a cleaning step did; plain JSON. */
export interface CleanReport {
  step: string;
  rows: number;
  kept: number;
  changed: number;
  /** Rows left out, by reason. */
  dropped: Record<string, number>;
  /** The first few of each reason, and the first few changes. */
  examples: Drop[];
  changes: Change[];
}

/** How a caller learns what a step did. */
export interface Watch {
  /** Called for every row that is left out, while it happens. */
  onDrop?: (drop: Drop) => void;
  /** Called at the end of each complete pass. */
  onReport?: (report: CleanReport) => void;
}

/** What a step does with a row: nothing (undefined), leaves it out, or puts another in its place. */
export type Verdict<R> =
  | { reason: string; detail: string; excerpt: string }
  | { row: R; before: string; after: string }
  | undefined;

/** Keeps a row's type, whatever columns it has. */
export type CleaningStep = <R extends object>(rows: AsyncIterable<R>) => AsyncIterable<R>;

/** A transform that judges row by row and counts; `start` is called at the beginning of each pass, so that each has its own memory. */
export function cleaningStep(
  step: string,
  { onDrop, onReport }: Watch,
  start: () => <R extends object>(row: R, place: string, rowNumber: number) => Verdict<R>,
): CleaningStep {
  return <R extends object>(rows: AsyncIterable<R>) =>
    transform(async function* (source: AsyncIterable<R>) {
      const judge = start();
      const report: CleanReport = { step, rows: 0, kept: 0, changed: 0, dropped: {}, examples: [], changes: [] };
      for await (const row of source) {
        report.rows += 1;
        const verdict = judge(row, placeOf(step, row, report.rows), report.rows);
        if (verdict !== undefined && "reason" in verdict) {
          const drop = dropOf(step, report.rows, row, verdict);
          countDrop(report, drop);
          onDrop?.(drop);
          continue;
        }
        report.kept += 1;
        if (verdict !== undefined) countChange(report, verdict);
        yield verdict?.row ?? row;
      }
      onReport?.(report);
    })(rows);
}

function dropOf(step: string, row: number, content: object, verdict: { reason: string; detail: string; excerpt: string }): Drop {
  const id = (content as { prompt_id?: unknown }).prompt_id;
  return {
    step,
    row,
    ...(typeof id === "string" ? { prompt_id: id } : {}),
    reason: verdict.reason,
    detail: verdict.detail,
    excerpt: excerptOf(verdict.excerpt),
  };
}

function countDrop(report: CleanReport, drop: Drop): void {
  const count = (report.dropped[drop.reason] ?? 0) + 1;
  report.dropped[drop.reason] = count;
  if (count <= EXAMPLES) report.examples.push(drop);
}

function countChange(report: CleanReport, { before, after }: { before: string; after: string }): void {
  report.changed += 1;
  if (report.changes.length >= EXAMPLES) return;
  report.changes.push({ step: report.step, row: report.rows, before: excerptOf(before), after: excerptOf(after) });
}

function excerptOf(text: string): string {
  if (text.length <= EXCERPT) return text;
  // A cut between the halves of a surrogate pair would leave text that is no Unicode.
  return `${text.slice(0, EXCERPT).replace(/[\uD800-\uDBFF]$/u, "")}...`;
}

/**
 * Examples of what went and why, `perReason` rows of each reason and as many rewritten texts of each step, a line each.
 *
 * @example
 * console.log(cleaningExamples(reports));
 */
export function cleaningExamples(reports: readonly CleanReport[], perReason = 2): string {
  const oneLine = (text: string) => JSON.stringify(text.replace(/\s+/g, " ").trim());
  const lines = reports.flatMap(({ step, dropped, examples, changes }) => [
    ...Object.keys(dropped).flatMap((reason) =>
      examples
        .filter((drop) => drop.reason === reason)
        .slice(0, perReason)
        .map(({ row, prompt_id: id, detail, excerpt }) => {
          const place = `row ${row}${id === undefined ? "" : ` (${id})`}`;
          return `${step}, ${place}: ${reason}, ${detail}: ${oneLine(excerpt)}`;
        }),
    ),
    ...changes
      .slice(0, perReason)
      .map(({ row, before, after }) => `${step}, row ${row}: ${oneLine(before)} became ${oneLine(after)}`),
  ]);
  return lines.join("\n");
}

/**
 * The reports of several steps as one table of text: per step and reason how many rows went, and their share of the step's input.
 *
 * @example
 * console.log(cleaningTable(reports));
 */
export function cleaningTable(reports: readonly CleanReport[]): string {
  const share = (count: number, rows: number) => (rows === 0 ? "-" : `${((100 * count) / rows).toFixed(2)}%`);
  const lines = reports.flatMap(({ step, rows, kept, changed, dropped }) => [
    [step, "kept", String(kept), share(kept, rows)],
    ...(changed > 0 ? [["", "rewritten", String(changed), share(changed, rows)]] : []),
    ...Object.entries(dropped).map(([reason, count]) => ["", `dropped: ${reason}`, String(count), share(count, rows)]),
  ]);
  const table = [["step", "what", "rows", "share"], ...lines];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((line) => line[column]!.length)));
  const pad = (cell: string, column: number) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!));
  return table.map((line) => line.map(pad).join("  ").trimEnd()).join("\n");
}
