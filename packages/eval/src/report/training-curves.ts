import type { ReportCurves } from "./report-input.ts";

/** A run's name and the parsed lines of its `log_history.jsonl`. */
export interface TrainingLog {
  name: string;
  rows: readonly Record<string, unknown>[];
}

const CHARTS: { title: string; key: string; evalKey?: string; note?: string }[] = [
  { title: "Loss", key: "loss", evalKey: "eval_loss" },
  {
    title: "Reward margin",
    key: "rewards/margins",
    evalKey: "eval_rewards/margins",
    note: "Reward of chosen minus reward of rejected.",
  },
  { title: "Reward accuracy", key: "rewards/accuracies", evalKey: "eval_rewards/accuracies" },
  { title: "Rewards of chosen", key: "rewards/chosen", evalKey: "eval_rewards/chosen" },
  { title: "Rewards of rejected", key: "rewards/rejected", evalKey: "eval_rewards/rejected" },
  { title: "Token accuracy", key: "mean_token_accuracy", evalKey: "eval_mean_token_accuracy" },
  { title: "Gradient norm", key: "grad_norm" },
  { title: "Learning rate", key: "learning_rate" },
];

/**
 * The charts that training logs can fill, in TRL's metric names, one series per run; a metric no run logged has no
 * chart. Supervised and preference runs differ in scale and get a chart each.
 *
 * @example
 * report({ title: "dDPO", curves: trainingCurves([{ name: "dDPO", rows }]) });
 */
export function trainingCurves(logs: readonly TrainingLog[]): ReportCurves[] {
  const isPreference = (log: TrainingLog) => log.rows.some((row) => typeof row["rewards/margins"] === "number");
  return CHARTS.flatMap(({ title, key, evalKey, note }) => {
    const curvesOf = (part: readonly TrainingLog[]) =>
      part.flatMap((log) => [
        ...seriesOf(log, key, log.name),
        ...(evalKey ? seriesOf(log, evalKey, `${log.name}, held out`) : []),
      ]);
    const sft = curvesOf(logs.filter((log) => !isPreference(log)));
    const preference = curvesOf(logs.filter(isPreference));
    const both = sft.length > 0 && preference.length > 0;
    return [
      { title: both ? `${title}, supervised` : title, series: sft },
      { title: both ? `${title}, preference` : title, series: preference },
    ].flatMap((chart) => (chart.series.length > 0 ? [{ ...chart, ...(note ? { note } : {}) }] : []));
  });
}

function seriesOf({ rows }: TrainingLog, key: string, name: string): { name: string; x: number[]; y: number[] }[] {
  const points = rows.filter((row) => typeof row[key] === "number" && typeof row["step"] === "number");
  return points.length > 0
    ? [{ name, x: points.map((row) => row["step"] as number), y: points.map((row) => row[key] as number) }]
    : [];
}
