import type { RatedRow } from "@zephyr/data";
import { codedError } from "./coded-error.ts";
import { readRow } from "./rated-row.ts";
import { type Score, scoreCompletions } from "./scores.ts";

const scales = { aspect: [1, 5], overall: [1, 10] } as const;

/** What `repairOverallScores` did in one pass: tens seen, set back to 1, believed, and unclear. */
export interface ScoreRepairReport {
  rows: number;
  tens: number;
  repaired: number;
  kept: number;
  unclear: number;
  examples: { prompt_id: string; completion: number; mean: number | null; became: number | null }[];
}

/**
 * Undoes the fault that turned an overall score of 1 into 10 in openbmb/UltraFeedback before 29 December 2023.
 *
 * A 10 whose aspects have a mean of at most 2 becomes 1; above 4 it stays. In between, or without aspects, nothing can tell:
 * the score is removed (`onUnclear: "remove"`, default), so that `binarize` counts the completion as unrated, or kept.
 *
 * Throws TypeError (`BAD_ROW`) as `binarize` does. Source: UltraFeedback issue 8 and its repair script's two bounds.
 *
 * @example
 * pipe(rows, repairOverallScores(), binarize({ preset: "h4", seed: 0 }));
 */
export function repairOverallScores({
  onUnclear = "remove",
  onReport,
}: {
  onUnclear?: "remove" | "keep";
  onReport?: (report: ScoreRepairReport) => void;
} = {}): <R extends RatedRow>(rows: AsyncIterable<R>) => AsyncIterable<R> {
  if (onUnclear !== "remove" && onUnclear !== "keep") {
    throw codedError(
      new RangeError(`repairOverallScores: onUnclear is ${JSON.stringify(onUnclear)}; it must be "remove" or "keep"`),
      "BAD_OPTION",
    );
  }
  return (rows) => ({ [Symbol.asyncIterator]: () => repairRows(rows, onUnclear, onReport) });
}

async function* repairRows<R extends RatedRow>(
  rows: AsyncIterable<R>,
  onUnclear: "remove" | "keep",
  onReport: ((report: ScoreRepairReport) => void) | undefined,
): AsyncGenerator<R> {
  const report: ScoreRepairReport = { rows: 0, tens: 0, repaired: 0, kept: 0, unclear: 0, examples: [] };
  for await (const row of rows) {
    report.rows += 1;
    const { promptId, completions } = await readRow(row, report.rows);
    const means = scoreCompletions(completions, "mean", scales);
    const overalls = scoreCompletions(completions, "overall", scales);
    let changed = false;
    const repaired = row.completions.map((completion, index) => {
      const verdict = judgeTen(overalls[index]!, means[index]!);
      if (verdict === undefined) return completion;
      report.tens += 1;
      report[verdict] += 1;
      if (verdict === "kept" || (verdict === "unclear" && onUnclear === "keep")) return completion;
      changed = true;
      const mean = means[index]!;
      if (report.examples.length < 5) {
        const became = verdict === "repaired" ? 1 : null;
        report.examples.push({ prompt_id: promptId, completion: index, mean: mean.kind === "rated" ? mean.value : null, became });
      }
      if (verdict === "repaired") return { ...completion, overall_score: 1 };
      const { overall_score: _, ...rest } = completion;
      return rest;
    });
    yield changed ? { ...row, completions: repaired } : row;
  }
  onReport?.(report);
}

function judgeTen(overall: Score, mean: Score): "repaired" | "kept" | "unclear" | undefined {
  if (overall.kind !== "rated" || overall.value !== 10) return undefined;
  if (mean.kind !== "rated") return "unclear";
  if (mean.value <= 2) return "repaired";
  return mean.value > 4 ? "kept" : "unclear";
}

/** Whether this overall score is a 10 that its own aspects contradict. */
export function isSuspectTen(overall: Score, mean: Score): boolean {
  return judgeTen(overall, mean) === "repaired";
}

/** What `dropTruthfulQa` did in one pass: dropped by their source, and because the prompt is one of TruthfulQA's. */
export interface TruthfulQaReport {
  rows: number;
  by_source: number;
  leaked: number;
  examples: { prompt_id: string | null; source: string | null }[];
}

/**
 * Drops rows that were made from TruthfulQA, which the model is evaluated on: those of source "truthful_qa",
 * and those of any source whose prompt equals a TruthfulQA question but for case, spaces and punctuation.
 *
 * The questions are `questions`, or else the prompts of the rows of source "truthful_qa", which takes a first pass over the rows
 * and finds nothing in a shard that has none of them: give `questions` when you shard. A prompt that only quotes a question is for `decontaminate` of `@zephyr/data`.
 *
 * @example
 * pipe(rows, dropTruthfulQa(), binarize({ preset: "zephyr-paper", seed: 0 }));
 */
export function dropTruthfulQa({
  questions,
  onReport,
}: {
  questions?: Iterable<string>;
  onReport?: (report: TruthfulQaReport) => void;
} = {}): <R extends RatedRow>(rows: AsyncIterable<R>) => AsyncIterable<R> {
  const given = questions === undefined ? undefined : new Set(Array.from(questions, normalized));
  given?.delete("");
  return (rows) => ({ [Symbol.asyncIterator]: () => dropTruthfulQaRows(rows, given, onReport) });
}

async function* dropTruthfulQaRows<R extends RatedRow>(
  rows: AsyncIterable<R>,
  given: ReadonlySet<string> | undefined,
  onReport: ((report: TruthfulQaReport) => void) | undefined,
): AsyncGenerator<R> {
  const { questions, seen } = given ? { questions: given, seen: 0 } : await ownQuestions(rows);
  const report: TruthfulQaReport = { rows: 0, by_source: 0, leaked: 0, examples: [] };
  for await (const row of rows) {
    report.rows += 1;
    const bySource = isTruthfulQa(row.source);
    if (!bySource && !questions.has(normalized(promptText(row)))) {
      yield row;
      continue;
    }
    report[bySource ? "by_source" : "leaked"] += 1;
    const example = { prompt_id: row.prompt_id ?? null, source: row.source ?? null };
    if (!bySource && report.examples.length < 5) report.examples.push(example);
  }
  if (report.rows < seen) {
    throw codedError(
      new Error(
        `dropTruthfulQa: the first pass saw ${seen} rows, the second ${report.rows}; give rows that can be iterated twice, or pass questions`,
      ),
      "NOT_REITERABLE",
    );
  }
  onReport?.(report);
}

async function ownQuestions(rows: AsyncIterable<RatedRow>): Promise<{ questions: Set<string>; seen: number }> {
  const questions = new Set<string>();
  let seen = 0;
  for await (const row of rows) {
    seen += 1;
    if (isTruthfulQa(row.source)) questions.add(normalized(promptText(row)));
  }
  // A prompt of punctuation only would match every other one.
  questions.delete("");
  return { questions, seen };
}

export function isTruthfulQa(source: string | undefined): boolean {
  return source === "truthful_qa";
}

function promptText(row: RatedRow): string {
  const prompt: unknown = row.prompt ?? (row as { instruction?: unknown }).instruction;
  if (typeof prompt === "string") return prompt;
  const turn: unknown = Array.isArray(prompt) ? prompt.findLast((message) => message?.role === "user")?.content : undefined;
  return typeof turn === "string" ? turn : "";
}

function normalized(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
