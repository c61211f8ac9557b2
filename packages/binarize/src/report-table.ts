import type { BinarizeReport } from "./report.ts";

/**
 * A report as text for people: what was dropped and why, ties, whether longer answers win, the score histogram, and how far the presets
 * agree on these rows; known faults of openbmb/UltraFeedback where the rows show them.
 *
 * @example
 * binarize({ preset: "h4", seed: 0, onReport: (report) => console.log(reportTable(report)) });
 */
export function reportTable(report: BinarizeReport): string {
  const sections = [summary(report), histogram(report), agreement(report), faults(report)];
  return sections.filter((section) => section !== "").join("\n\n");
}

const percent = (fraction: number | null) => (fraction === null ? "-" : `${(100 * fraction).toFixed(1)}%`);
const count = (value: number | null) => (value === null ? "-" : String(Math.round(value)));

function summary(report: BinarizeReport): string {
  const { preset, seed, rows, output_rows, dropped, completions, ties, labels, length_bias: bias } = report;
  const lines = [`${preset}, seed ${seed}: ${output_rows} rows from ${rows}`];
  for (const [reason, { count: gone, examples }] of Object.entries(dropped))
    lines.push(`dropped ${gone}: ${reason}, for example ${examples.slice(0, 3).join(", ")}`);
  const bad = completions.bad > 0 ? `, ${completions.bad} with a bad rating` : "";
  lines.push(`completions: ${completions.rated} rated, ${completions.unrated} unrated${bad}`);
  for (const { row, completion, aspect, rating, why } of report.bad_ratings)
    lines.push(`  row ${row}, completion ${completion}, ${aspect}: ${JSON.stringify(rating)} ${why}`);
  if (labels.desirable + labels.undesirable > 0) lines.push(`labels: ${labels.desirable} true, ${labels.undesirable} false`);
  lines.push(`ties: ${ties.best} rows share the best score, ${ties.pairs} pairs have equal scores`);
  if (bias.chosen_longer !== null) {
    const lengths = `${count(bias.mean_chosen)} characters chosen, ${count(bias.mean_rejected)} rejected`;
    lines.push(`length: ${lengths}; the longer answer is chosen in ${percent(bias.chosen_longer)} of the pairs`);
  }
  if (bias.score_length_correlation !== null)
    lines.push(`length: correlation with the score ${bias.score_length_correlation.toFixed(3)}`);
  return lines.join("\n");
}

function histogram({ score, score_histogram: bins }: BinarizeReport): string {
  const lines = Object.entries(bins).map(([from, bin]) => [from, bin.completions, bin.chosen, bin.rejected].map(String));
  return lines.length === 0 ? "" : table([[`${score} from`, "completions", "chosen", "rejected"], ...lines]);
}

function agreement(report: BinarizeReport): string {
  const lines = report.agreement
    .filter(({ rows }) => rows > 0)
    .map(({ a, b, rows, same_chosen, same_pair }) => [`${a}, ${b}`, String(rows), percent(same_chosen), percent(same_pair)]);
  return lines.length === 0 ? "" : table([["presets", "rows", "same chosen", "same pair"], ...lines]);
}

function faults({ upstream: { suspect_overall_scores: tens, truthful_qa_rows: leaked } }: BinarizeReport): string {
  const lines: string[] = [];
  if (tens > 0) lines.push(`${tens} overall scores of 10 contradict their own aspects and were 1 (repairOverallScores)`);
  if (leaked > 0) lines.push(`${leaked} rows come from TruthfulQA, which models are evaluated on (dropTruthfulQa)`);
  return lines.join("\n");
}

function table(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const pad = (cell: string, column: number) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!));
  return lines.map((line) => line.map(pad).join("  ")).join("\n");
}
