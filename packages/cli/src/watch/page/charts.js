// @ts-check
/** Which curves there are. */

/** @typedef {{ key: string, name: string, dashed?: boolean }} Line */
/** @typedef {{ title: string, lines: Line[], note?: string, include?: number[] }} ChartKind */

/** @param {string} key @returns {Line[]} */
const withHeldOut = (key) => [
  { key, name: "training" },
  { key: `eval_${key}`, name: "held out", dashed: true },
];

/** @type {ChartKind[]} */
export const CHARTS = [
  { title: "Loss", lines: withHeldOut("loss") },
  {
    title: "Reward margin",
    lines: withHeldOut("rewards/margins"),
    note: "Reward of the chosen answer minus that of the rejected one.",
    include: [0],
  },
  {
    title: "Rewards",
    lines: [
      { key: "rewards/chosen", name: "chosen" },
      { key: "rewards/rejected", name: "rejected", dashed: true },
    ],
    note: "Implicit rewards: β times how much likelier the policy finds an answer than the reference does.",
    include: [0],
  },
  { title: "Reward accuracy", lines: withHeldOut("rewards/accuracies"), include: [0, 1] },
  { title: "Learning rate", lines: [{ key: "learning_rate", name: "learning rate" }], include: [0] },
  { title: "Gradient norm", lines: [{ key: "grad_norm", name: "gradient norm" }], include: [0] },
  { title: "Tokens per second", lines: [{ key: "tokens_per_second", name: "tokens/s" }], include: [0] },
  { title: "Samples per second", lines: [{ key: "samples_per_second", name: "samples/s" }], include: [0] },
  { title: "Memory", lines: [{ key: "memory_mib", name: "MiB" }], note: "Resident memory of the process, MiB.", include: [0] },
];

const MOST_OTHERS = 60;
/** Drawn above, or nothing to draw. */
const PLACED = new Set([
  ...CHARTS.flatMap(({ lines }) => lines.map(({ key }) => key)),
  "epoch",
  "num_tokens",
  "seconds_per_step",
]);

/**
 * Charts of all metrics that have no place of their own, a metric and its `eval_` form in one.
 * @param {Iterable<string>} keys
 * @returns {ChartKind[]}
 */
export function otherCharts(keys) {
  const names = new Set([...keys].map((key) => (key.startsWith("eval_") ? key.slice(5) : key)));
  return [...names]
    .filter((key) => !PLACED.has(key))
    .sort()
    .slice(0, MOST_OTHERS)
    .map((key) => ({ title: key, lines: withHeldOut(key) }));
}
