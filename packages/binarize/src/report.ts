import { type Agreement, AgreementCounter } from "./agreement.ts";
import type { Settings } from "./options.ts";
import type { PresetName, ScoreName } from "./presets.ts";
import type { ReadRow } from "./rated-row.ts";
import { bestOf, type Candidate, type Pair } from "./rules/rule.ts";
import { type Score, scoreCompletions } from "./scores.ts";
import { isSuspectTen, isTruthfulQa } from "./upstream.ts";

/** How many examples of each kind a report holds. */
const EXAMPLES = 5;

/** Why a row made no pair: fewer than two rated completions, all scores equal, or a margin below the least. */
export type DropReason = "too_few" | "tie" | "margin";

/** What one pass over the rows did; plain JSON, lengths in characters (UTF-16 units). */
export interface BinarizeReport {
  preset: PresetName;
  score: ScoreName;
  seed: number;
  rows: number;
  output_rows: number;
  /** Rows without output, by reason, with the first few ids. */
  dropped: Partial<Record<DropReason, { count: number; examples: string[] }>>;
  /** `bad` ones were left out because of `onBadRating: "drop"`. */
  completions: { total: number; rated: number; unrated: number; bad: number };
  bad_ratings: { row: number; prompt_id: string; completion: number; aspect: string; rating: unknown; why: string }[];
  /** Rows in which several completions share the best score; pairs whose two scores are equal. */
  ties: { best: number; pairs: number };
  labels: { desirable: number; undesirable: number };
  /** Completions, chosen and rejected by score; a key is the lower edge of its bin. */
  score_histogram: Record<string, { completions: number; chosen: number; rejected: number }>;
  /** Whether longer answers win: `chosen_longer` is a fraction of the pairs, equal lengths counting half. */
  length_bias: {
    mean_chosen: number | null;
    mean_rejected: number | null;
    chosen_longer: number | null;
    score_length_correlation: number | null;
  };
  /** For every two pair presets: rows in which both give a pair, and the fractions with the same chosen, the same both. */
  agreement: Agreement[];
  /** Known faults of openbmb/UltraFeedback: a 10 that its own aspects contradict (was 1), TruthfulQA prompts. */
  upstream: { suspect_overall_scores: number; truthful_qa_rows: number };
}

/** Counts while rows stream by; memory does not grow with them. */
export class ReportBuilder {
  readonly #settings: Settings;
  readonly #agreement: AgreementCounter;
  readonly #report: BinarizeReport;
  readonly #moments = { n: 0, x: 0, y: 0, xx: 0, yy: 0, xy: 0 };
  #pairs = 0;
  #charactersChosen = 0;
  #charactersRejected = 0;
  #chosenLonger = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#agreement = new AgreementCounter(settings);
    this.#report = {
      preset: settings.preset,
      score: settings.score,
      seed: settings.seed,
      rows: 0,
      output_rows: 0,
      dropped: {},
      completions: { total: 0, rated: 0, unrated: 0, bad: 0 },
      bad_ratings: [],
      ties: { best: 0, pairs: 0 },
      labels: { desirable: 0, undesirable: 0 },
      score_histogram: {},
      length_bias: { mean_chosen: null, mean_rejected: null, chosen_longer: null, score_length_correlation: null },
      agreement: [],
      upstream: { suspect_overall_scores: 0, truthful_qa_rows: 0 },
    };
  }

  addRow(row: ReadRow, candidates: readonly Candidate[]): void {
    const { completions, upstream, ties } = this.#report;
    this.#report.rows += 1;
    completions.total += row.completions.length;
    completions.rated += candidates.length;
    if (candidates.length > 1 && bestOf(candidates).length > 1) ties.best += 1;
    for (const { index, score } of candidates) {
      this.#bin(score).completions += 1;
      this.#correlate(score, row.completions[index]!.content.length);
    }
    const means = scoreCompletions(row.completions, "mean", this.#settings.scales);
    const overalls = scoreCompletions(row.completions, "overall", this.#settings.scales);
    for (const [i, overall] of overalls.entries()) if (isSuspectTen(overall, means[i]!)) upstream.suspect_overall_scores += 1;
    if (isTruthfulQa(row.source)) upstream.truthful_qa_rows += 1;
    this.#agreement.addRow(row.promptId, means, overalls);
  }

  addBadRating(row: ReadRow, rowNumber: number, index: number, score: Score & { kind: "bad" }): void {
    this.#report.completions.bad += 1;
    if (this.#report.bad_ratings.length >= EXAMPLES) return;
    const { aspect, rating, why } = score;
    const shown = typeof rating === "number" && !Number.isFinite(rating) ? String(rating) : (rating ?? null);
    this.#report.bad_ratings.push({ row: rowNumber, prompt_id: row.promptId, completion: index, aspect, rating: shown, why });
  }

  addDropped(reason: DropReason, row: ReadRow): void {
    const { dropped } = this.#report;
    dropped[reason] ??= { count: 0, examples: [] };
    dropped[reason].count += 1;
    if (dropped[reason].examples.length < EXAMPLES) dropped[reason].examples.push(row.promptId);
  }

  addPair(row: ReadRow, { chosen, rejected }: Pair): void {
    this.#report.output_rows += 1;
    this.#pairs += 1;
    this.#bin(chosen.score).chosen += 1;
    this.#bin(rejected.score).rejected += 1;
    if (chosen.score === rejected.score) this.#report.ties.pairs += 1;
    const lengthChosen = row.completions[chosen.index]!.content.length;
    const lengthRejected = row.completions[rejected.index]!.content.length;
    this.#charactersChosen += lengthChosen;
    this.#charactersRejected += lengthRejected;
    this.#chosenLonger += lengthChosen > lengthRejected ? 1 : lengthChosen === lengthRejected ? 0.5 : 0;
  }

  addLabel(_row: ReadRow, candidate: Candidate, label: boolean): void {
    this.#report.output_rows += 1;
    this.#report.labels[label ? "desirable" : "undesirable"] += 1;
    this.#bin(candidate.score)[label ? "chosen" : "rejected"] += 1;
  }

  addList(): void {
    this.#report.output_rows += 1;
  }

  finish(): BinarizeReport {
    const { completions, length_bias, score_histogram } = this.#report;
    completions.unrated = completions.total - completions.rated - completions.bad;
    if (this.#pairs > 0) {
      length_bias.mean_chosen = this.#charactersChosen / this.#pairs;
      length_bias.mean_rejected = this.#charactersRejected / this.#pairs;
      length_bias.chosen_longer = this.#chosenLonger / this.#pairs;
    }
    length_bias.score_length_correlation = this.#correlation();
    this.#report.agreement = this.#agreement.finish();
    this.#report.score_histogram = Object.fromEntries(
      Object.entries(score_histogram).toSorted(([a], [b]) => Number(a) - Number(b)),
    );
    return this.#report;
  }

  #bin(score: number): { completions: number; chosen: number; rejected: number } {
    const width = this.#settings.score === "mean" ? 0.5 : 1;
    const { score_histogram: histogram } = this.#report;
    const key = String(Math.floor(score / width) * width);
    histogram[key] ??= { completions: 0, chosen: 0, rejected: 0 };
    return histogram[key];
  }

  #correlate(x: number, y: number): void {
    const moments = this.#moments;
    moments.n += 1;
    moments.x += x;
    moments.y += y;
    moments.xx += x * x;
    moments.yy += y * y;
    moments.xy += x * y;
  }

  /** Pearson's r between score and length over all rated completions. */
  #correlation(): number | null {
    const { n, x, y, xx, yy, xy } = this.#moments;
    const spread = (n * xx - x * x) * (n * yy - y * y);
    return spread > 0 ? (n * xy - x * y) / Math.sqrt(spread) : null;
  }
}
