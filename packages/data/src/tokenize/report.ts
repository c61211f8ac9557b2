/** Why a row did not come through whole. */
export type TokenizationReason = "prompt_too_long" | "masked_by_truncation";

/** What tokenization kept, dropped and cut; keys as they are written to reports. */
export interface TokenizationReport {
  rows: number;
  kept: number;
  /** Tokens of the rows kept, before padding (there is none). */
  tokens: number;
  dropped: Partial<Record<TokenizationReason, number>>;
  /** Rows kept whose end was cut to the maximal length. */
  truncated: number;
  /** Rows whose prompt alone is tokenized otherwise than inside prompt + completion; the cut is made by length, as in TRL. */
  prompt_mismatch: number;
  longest: number;
  /** The first few rows of each kind. */
  examples: { row: string; what: TokenizationReason | "truncated" | "prompt_mismatch"; tokens: number }[];
}

const EXAMPLES_PER_KIND = 3;

export interface Tally {
  report: TokenizationReport;
  kept(tokens: number): void;
  dropped(row: string, reason: TokenizationReason, tokens: number): void;
  note(row: string, what: "truncated" | "prompt_mismatch", tokens: number): void;
}

export function startTally(): Tally {
  const report: TokenizationReport = {
    rows: 0,
    kept: 0,
    tokens: 0,
    dropped: {},
    truncated: 0,
    prompt_mismatch: 0,
    longest: 0,
    examples: [],
  };
  const example = (row: string, what: TokenizationReport["examples"][number]["what"], tokens: number): void => {
    if (report.examples.filter((entry) => entry.what === what).length < EXAMPLES_PER_KIND)
      report.examples.push({ row, what, tokens });
  };
  return {
    report,
    kept: (tokens) => {
      report.rows++;
      report.kept++;
      report.tokens += tokens;
      report.longest = Math.max(report.longest, tokens);
    },
    dropped: (row, reason, tokens) => {
      report.rows++;
      report.dropped[reason] = (report.dropped[reason] ?? 0) + 1;
      example(row, reason, tokens);
    },
    note: (row, what, tokens) => {
      report[what]++;
      example(row, what, tokens);
    },
  };
}

/** The report on all shards: counts added up, examples of the first shards first. */
export function mergeReports(reports: readonly TokenizationReport[]): TokenizationReport {
  const { report: merged } = startTally();
  for (const report of reports) {
    for (const key of ["rows", "kept", "tokens", "truncated", "prompt_mismatch"] as const) merged[key] += report[key];
    for (const [reason, count] of Object.entries(report.dropped) as [TokenizationReason, number][]) {
      merged.dropped[reason] = (merged.dropped[reason] ?? 0) + count;
    }
    merged.longest = Math.max(merged.longest, report.longest);
    for (const example of report.examples) {
      if (merged.examples.filter(({ what }) => what === example.what).length < EXAMPLES_PER_KIND) merged.examples.push(example);
    }
  }
  return merged;
}

/** One line on stderr about rows that were dropped or cut, so that nothing is lost in silence. */
export function warnOfLosses(report: TokenizationReport): void {
  const parts = Object.entries(report.dropped).map(([reason, count]) => `${count} dropped (${reason})`);
  if (report.truncated > 0) parts.push(`${report.truncated} truncated`);
  if (report.prompt_mismatch > 0) parts.push(`${report.prompt_mismatch} with another tokenization of the prompt`);
  if (parts.length === 0) return;
  const first = report.examples[0];
  console.warn(
    `tokenize: ${report.kept} of ${report.rows} rows kept; ${parts.join(", ")}${first ? `; first: ${first.row}, ${first.tokens} tokens` : ""}`,
  );
}
