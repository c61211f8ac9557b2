import type { AlpacaEvalResult } from "../alpaca-eval/alpaca-eval.ts";
import type { JudgeAudit } from "../audit/audit-judge.ts";
import { CATEGORIES } from "../mt-bench/rows.ts";
import type { SingleScore } from "../mt-bench/single-score.ts";
import type { TaskResult } from "../multiple-choice/evaluate-task.ts";
import type { Calibration } from "../preferences/calibration.ts";
import type { PairGroup, PreferenceAccuracy } from "../preferences/preference-accuracy.ts";
import { wilsonEnds } from "../statistics/interval.ts";
import { compact, percent } from "./format.ts";
import type { Cell, ReportCurves, ReportRadar, ReportTable } from "./report-input.ts";

/** AlpacaEval results of one or several models, in percent. */
export function alpacaTable(results: readonly (AlpacaEvalResult & { model: string })[]): ReportTable {
  const withError = (value: number | undefined, error: number | undefined, n: number): Cell => {
    if (value === undefined || error === undefined) return null;
    const { lo, hi } = wilsonEnds(value / 100, error / 100, n);
    return { value, ci: [100 * lo, 100 * hi] };
  };
  return {
    title: "AlpacaEval",
    note: "Win rate against the baseline in percent, ties counted half; LC is length-controlled.",
    columns: [
      { key: "model", label: "Model" },
      { key: "win_rate", label: "Win rate, %", kind: "number", digits: 2, best: "max" },
      { key: "lc", label: "LC win rate, %", kind: "number", digits: 2, best: "max" },
      { key: "counts", label: "Wins / draws / losses" },
      { key: "avg_length", label: "Length, characters", kind: "number", digits: 0 },
    ],
    rows: results.map((result) => ({
      model: result.model,
      win_rate: withError(result.win_rate, result.standard_error, result.n_total),
      lc: withError(result.length_controlled_winrate, result.lc_standard_error, result.n_total),
      counts: `${result.n_wins} / ${result.n_draws} / ${result.n_wins_base}`,
      avg_length: result.avg_length ?? null,
    })),
  };
}

/** MT-Bench scores of one or several models. */
export function mtBenchTable(scores: readonly SingleScore[]): ReportTable {
  return {
    title: "MT-Bench",
    note: "Mean rating from 1 to 10 over both turns, interval clustered by question. The last column leaves out the 13 questions whose published reference answer is wrong.",
    columns: [
      { key: "model", label: "Model" },
      { key: "score", label: "Score", kind: "number", digits: 2, best: "max" },
      { key: "turn_1", label: "Turn 1", kind: "number", digits: 2, best: "max" },
      { key: "turn_2", label: "Turn 2", kind: "number", digits: 2, best: "max" },
      { key: "unparsed", label: "Without rating", kind: "number" },
      { key: "corrected", label: "Sound references only", kind: "number", digits: 2 },
    ],
    rows: scores.map(({ model, score, ci, turn_1, turn_1_ci, turn_2, turn_2_ci, unparsed, score_without_wrong_references }) => ({
      model,
      score: rated(score, ci),
      turn_1: rated(turn_1, turn_1_ci),
      turn_2: rated(turn_2, turn_2_ci),
      unparsed,
      corrected: score_without_wrong_references,
    })),
  };
}

const rated = (value: number | null, ci: [number, number] | null | undefined): Cell =>
  value === null ? null : { value, ci: ci ?? null };

/** MT-Bench's categories as a radar. */
export function mtBenchRadar(scores: readonly SingleScore[]): ReportRadar {
  const series = scores.map(({ model, categories, category_ci }) => ({
    name: model,
    values: CATEGORIES.map((category) => categories[category] ?? null),
    intervals: CATEGORIES.map((category) => category_ci?.[category] ?? null),
  }));
  return { title: "MT-Bench by category", axes: [...CATEGORIES], max: 10, series };
}

/** Multiple-choice results, one row per task, in percent. */
export function harnessTable(results: readonly TaskResult[]): ReportTable {
  const metric = (result: TaskResult, name: string): Cell => {
    const [value, error] = [result[name], result[`${name}_stderr`]];
    if (typeof value !== "number" || typeof error !== "number") return null;
    const { lo, hi } = wilsonEnds(value, error, result.n);
    return { value, ci: [lo, hi] };
  };
  const names = ["acc", "acc_norm", "acc_bytes", "mc1", "mc2", "exact_match", "exact_match_flexible"].filter((name) =>
    results.some((result) => name in result),
  );
  return {
    title: "Multiple choice",
    ...settingsNote(results),
    columns: [
      { key: "task", label: "Task" },
      { key: "n", label: "Documents", kind: "number", digits: 0 },
      { key: "num_fewshot", label: "Shots", kind: "number", digits: 0 },
      ...names.map((key) => ({ key, label: key, kind: "percent" as const, digits: 2 })),
    ],
    rows: results.map((result) => ({
      task: result.task,
      n: result.n,
      num_fewshot: result.num_fewshot,
      ...Object.fromEntries(names.map((name) => [name, metric(result, name)])),
    })),
  };
}

/** Whose rules the numbers follow; they differ by a point or two. */
function settingsNote(results: readonly TaskResult[]): { note?: string } {
  const all = (key: string) =>
    [...new Set(results.map((result) => result[key]).filter((value) => value !== undefined))].join(", ");
  const said = [all("parity") && `Order and shots as ${all("parity")}.`, all("bos") && `BOS before each context: ${all("bos")}.`];
  const note = said.filter((part) => part !== "").join(" ");
  return note === "" ? {} : { note };
}

/** Preference accuracy: all pairs, by source, by length. */
export function preferenceTable(result: PreferenceAccuracy): ReportTable {
  const row = ({ name, n, accuracy, accuracy_ci, margin, margin_ci }: PairGroup): Record<string, Cell> => ({
    name,
    n,
    accuracy: { value: accuracy, ci: accuracy_ci },
    margin: { value: margin, ci: margin_ci },
  });
  const rule =
    result.longer_is_better === null ? "" : ` Choosing the longer answer would be right in ${percent(result.longer_is_better)}.`;
  const { log_loss, expected_calibration_error } = result.calibration;
  return {
    title: "Held-out preferences",
    note: `Share of pairs whose chosen answer has the higher reward.${rule} Log loss ${compact(log_loss)} (0.693 knows nothing), calibration error ${percent(expected_calibration_error)}.`,
    columns: [
      { key: "name", label: "Pairs" },
      { key: "n", label: "Number", kind: "number", digits: 0 },
      { key: "accuracy", label: "Accuracy", kind: "percent" },
      { key: "margin", label: "Margin", kind: "number", digits: 3 },
    ],
    rows: [result, ...result.by_source, ...result.by_length].map(row),
    highlight: [0],
  };
}

/** Confidence against accuracy, beside the diagonal of a calibrated reward. */
export function calibrationCurve({ bins }: Calibration): ReportCurves {
  const filled = bins.filter((bin) => bin.n > 0);
  return {
    title: "Calibration of the reward",
    xLabel: "confidence",
    yLabel: "accuracy",
    series: [
      { name: "measured", x: filled.map((bin) => bin.confidence!), y: filled.map((bin) => bin.accuracy) },
      { name: "calibrated", x: [0.5, 1], y: [0.5, 1] },
    ],
  };
}

/** How the judge behaved. */
export function auditTable(audit: JudgeAudit): ReportTable {
  const { position, constant_answers, injection } = audit;
  const rate = (value: number | null, ci: [number, number] | null): Cell => (value === null ? null : { value, ci });
  const row = (what: string, measured: Cell, detail: string) => ({ what, measured, detail });
  return {
    title: "Judge audit",
    note: "From the judge's own verdicts, without human labels. Flagged answers are a reason to look, not a proof.",
    columns: [
      { key: "what", label: "What" },
      { key: "measured", label: "Share", kind: "percent" },
      { key: "detail", label: "Detail" },
    ],
    rows: [
      row(
        "First shown wins",
        rate(audit.first_share, audit.first_share_ci),
        `${position.first} first, ${position.second} second, ${position.tie} ties`,
      ),
      row(
        "Same verdict in both orders",
        rate(audit.consistency, audit.consistency_ci),
        audit.consistency === null
          ? "each pair was judged in one order"
          : `${audit.consistent} same, ${audit.both_first} first twice, ${audit.both_second} second twice, ${audit.tie_versus_win} tie and win`,
      ),
      row(
        "Longer answer wins",
        rate(audit.prefers_longer, audit.prefers_longer_ci),
        `${audit.prefers_longer_n} decided pairs of unequal length`,
      ),
      row("Ties", audit.tie_rate, ""),
      row("No verdict", audit.unparsed_rate, `${audit.unparsed} games`),
      row(
        "Constant answers",
        null,
        constant_answers.map(({ system, share, kind }) => `${system}: ${kind} in ${percent(share)}`).join("; ") || "none found",
      ),
      row(
        "Answers that address the judge",
        null,
        injection.length > 0 ? `${injection.length}: ${[...new Set(injection.map((hit) => hit.kind))].join(", ")}` : "none found",
      ),
    ],
  };
}
