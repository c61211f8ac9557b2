import {
  ablationTable,
  academicTable,
  agreementTable,
  alpacaTable,
  auditTable,
  type Cell,
  calibrationCurve,
  chatTable,
  differenceTable,
  harnessTable,
  mtBenchRadar,
  mtBenchSamples,
  mtBenchTable,
  type OwnRow,
  preferenceTable,
  type ReportComparison,
  type ReportInput,
  type ReportSample,
  type ReportTable,
  type TaskResult,
  trainingCurves,
} from "@zephyr/eval";
import type { RunContents } from "./run-contents.ts";

/** AlpacaEval's pairs on the page; MT-Bench's questions are all there. */
const SAMPLES = 120;

/** What the report shows of a run. */
export function reportOfRun(title: string, run: RunContents): ReportInput {
  const { logs, preferences, mtBench, recipe } = run;
  const scores = mtBench.flatMap(({ models }) => models);
  const calibrations = preferences.map(({ name, result }) => {
    const curve = calibrationCurve(result.calibration);
    return preferences.length > 1 ? { ...curve, title: `${curve.title}, ${name}` } : curve;
  });
  return {
    title,
    facts: facts(run),
    tables: tables(run),
    comparisons: [
      ...(recipe?.comparisons ?? []),
      ...mtBench.flatMap(({ pairs }) => pairs.map(comparison)),
      ...run.alpaca.map(againstBaseline),
    ],
    curves: [...trainingCurves(logs), ...calibrations],
    radars: scores.length > 0 ? [mtBenchRadar(scores)] : [],
    samples: [...mtBenchSamples(run.judged), ...samples(run)],
    stages: recipe?.stages ?? [],
  };
}

function tables({ preferences, alpaca, mtBench, harness }: RunContents): ReportTable[] {
  const scores = mtBench.flatMap(({ models }) => models);
  const chat: OwnRow[] = [...new Set([...scores, ...alpaca].map(({ model }) => model))].map((model) => {
    const score = scores.find((each) => each.model === model);
    const rate = alpaca.find((each) => each.model === model);
    return { model, mt_bench: cell(score?.score, score?.ci), alpaca_eval: cell(rate?.win_rate, rate?.ci) };
  });
  return [
    ...preferences.map(({ name, result }) => ({
      ...preferenceTable(result),
      ...(preferences.length > 1 && { title: `Held-out preferences, ${name}` }),
    })),
    ...(scores.length > 0 ? [mtBenchTable(scores)] : []),
    ...differenceTables(mtBench),
    ...(alpaca.length > 0 ? [alpacaTable(alpaca)] : []),
    ...(chat.length > 0 ? [chatTable(chat), ablationTable(chat.map(({ model, ...row }) => ({ align: model!, ...row })))] : []),
    ...harness.map(harnessTable),
    ...(harness.length > 0 ? [academicTable(harness.map(academicRow))] : []),
    ...judgeTables([...mtBench, ...alpaca]),
  ];
}

function differenceTables(mtBench: RunContents["mtBench"]): ReportTable[] {
  const differences = mtBench.flatMap(({ difference }) => (difference ? [difference] : []));
  return differences.length > 0 ? [differenceTable(differences)] : [];
}

function judgeTables(judged: readonly (RunContents["mtBench"] | RunContents["alpaca"])[number][]): ReportTable[] {
  const several = judged.filter(({ audit, agreement }) => audit || agreement).length > 1;
  return judged.flatMap(({ name, audit, agreement }) => {
    const found = [...(audit ? [auditTable(audit)] : []), ...(agreement ? [agreementTable(agreement)] : [])];
    return several ? found.map((table) => ({ ...table, title: `${table.title}, ${name}` })) : found;
  });
}

const cell = (value: number | null | undefined, ci: [number, number] | null | undefined): Cell =>
  value === null || value === undefined ? null : { value, ci: ci ?? null };

/** The paper's four columns, in percent, with the metric that the leaderboard shows. */
function academicRow(results: readonly TaskResult[]): OwnRow {
  const percent = (task: string, metric: string): Cell => {
    const values = results.filter(
      (each) => each.task === task || each.task.startsWith(`${task}_`) || each.task.startsWith(`${task}-`),
    );
    const numbers = values.map((each) => each[metric]).filter((value) => typeof value === "number");
    return numbers.length === 0 ? null : (100 * numbers.reduce((sum, value) => sum + value, 0)) / numbers.length;
  };
  return {
    model: "this run",
    arc: percent("arc", "acc_norm"),
    hellaswag: percent("hellaswag", "acc_norm"),
    mmlu: percent("mmlu", "acc"),
    truthfulqa: percent("truthfulqa", "mc2"),
  };
}

function comparison({
  model_1,
  model_2,
  wins,
  losses,
  ties,
  errors,
  win_rate_adjusted,
  ci,
}: RunContents["mtBench"][number]["pairs"][number]): ReportComparison {
  return { a: model_1, b: model_2, win_rate: win_rate_adjusted, ci95: ci, wins, losses, ties, errors };
}

/** AlpacaEval's counts as a comparison with its baseline. */
function againstBaseline({ model, win_rate, ci, n_wins, n_wins_base, n_draws }: RunContents["alpaca"][number]): ReportComparison {
  return {
    a: model,
    b: "AlpacaEval's baseline",
    win_rate: win_rate / 100,
    ci95: ci ? [ci[0] / 100, ci[1] / 100] : null,
    wins: n_wins,
    losses: n_wins_base,
    ties: n_draws,
  };
}

/** Judged answers side by side, evenly from those won to those lost. */
function samples({ annotations }: RunContents): ReportSample[] {
  const judged = annotations.filter(
    (row) => typeof row.preference === "number" && row.output_1 !== undefined && row.output_2 !== undefined,
  );
  const sorted = judged.toSorted((a, b) => b.preference! - a.preference!);
  const step = Math.max(1, sorted.length / SAMPLES);
  const shown = sorted.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
  return shown.map((row) => ({
    prompt: row.instruction,
    group: groupOf(row.preference!),
    answers: [
      { name: row.generator_2 ?? "model", content: row.output_2! },
      { name: row.generator_1 ?? "baseline", content: row.output_1! },
    ],
  }));
}

/** An old tie is 0. */
function groupOf(preference: number): string {
  if (preference === 0 || preference === 1.5) return "AlpacaEval: tied with the baseline";
  return preference > 1.5 ? "AlpacaEval: won against the baseline" : "AlpacaEval: lost to the baseline";
}

function facts({ settings, recipe }: RunContents): Record<string, string | number | null> {
  const entries = settings.flatMap(({ name, values }) =>
    Object.entries(values).map(([key, value]): [string, string | number] => {
      const label = settings.length > 1 ? `${name}: ${key}` : key;
      return [label, typeof value === "number" || typeof value === "string" ? value : JSON.stringify(value)];
    }),
  );
  const { adapter = null, commit = null, seconds = null, peak_memory_mib = null, prompts = null } = recipe ?? {};
  return { adapter, commit, seconds, peak_memory_mib, prompts, ...Object.fromEntries(entries) };
}
