import { join } from "node:path";
import { alpacaEval, preferenceFromReply, readLengthControlData } from "@zephyr/eval";
import { annotated, json, published, type Version } from "./files.ts";
import type { Measured } from "./measured.ts";

const COUNTS = ["n_wins", "n_wins_base", "n_draws", "n_total"] as const;
const RATES = ["win_rate", "standard_error", "discrete_win_rate"] as const;

/** Win rate, standard error and counts of every model against the leaderboard. */
export async function winRates(): Promise<Measured[]> {
  let [models, worst, wrongCounts] = [0, 0, 0];
  for (const version of [1, 2] as const)
    for (const { annotations, row } of annotated(version)) {
      const result = alpacaEval({ annotations });
      models++;
      worst = Math.max(worst, ...RATES.map((key) => Math.abs(result[key] - Number(row[key]))));
      wrongCounts += COUNTS.filter((key) => result[key] !== Number(row[key])).length;
    }
  return [
    { what: `largest difference of a rate or error, ${models} models`, measured: worst, bar: 1e-6, unit: "points" },
    { what: "counts that differ", measured: wrongCounts, bar: 0 },
  ];
}

/** The length-controlled rate, with the recorded C and with our own, and what a model takes. */
export async function lengthControl(): Promise<Measured[]> {
  const data = readLengthControlData(join(published("alpacaeval/lc")));
  const recorded = new Map(
    json<{ shared_v2: { model: string; C: number }[] }>("alpacaeval/lc/selected_C.json").shared_v2.map(({ model, C }) => [
      model,
      C,
    ]),
  );
  const errors: Record<"recorded" | Version, number[]> = { recorded: [], 1: [], 2: [] };
  const milliseconds: number[] = [];
  const processor: number[] = [];
  for (const version of [2, 1] as const)
    for (const { model, annotations, row } of annotated(version)) {
      const expected = Number(row["length_controlled_winrate"]);
      const error = (c?: number) =>
        Math.abs(
          alpacaEval({ annotations, lengthControl: data, ...(c !== undefined && { c }) }).length_controlled_winrate! - expected,
        );
      const c = recorded.get(model);
      if (version === 2 && c !== undefined) errors.recorded.push(error(c));
      const [start, before] = [performance.now(), process.threadCpuUsage()];
      errors[version].push(error());
      milliseconds.push(performance.now() - start);
      const { user, system } = process.threadCpuUsage(before);
      processor.push((user + system) / 1e3);
    }
  const near = errors[1].filter((error) => error < 0.15).length;
  return [
    {
      what: `recorded C, version 2, ${errors.recorded.length} models, largest error`,
      measured: Math.max(...errors.recorded),
      bar: 0.02,
      unit: "points",
    },
    {
      what: `own cross-validation, version 2, ${errors[2].length} models, largest error`,
      measured: Math.max(...errors[2]),
      bar: 0.15,
      unit: "points",
    },
    {
      what: `own cross-validation, version 1, ${near} of ${errors[1].length} models within 0.15: share not within`,
      measured: 1 - near / errors[1].length,
      bar: 0.2,
    },
    { what: "cross-validation, fit and win rate of one model, median", measured: median(milliseconds), bar: 200, unit: "ms" },
    {
      what: "the same, slowest model",
      measured: Math.max(...milliseconds),
      bar: 200,
      unit: "ms",
    },
    {
      what: "the same on the processor, which other programs do not stretch, slowest model",
      measured: Math.max(...processor),
      bar: 200,
      unit: "ms",
    },
  ];
}

/** Version 2's preferences from the raw replies and the seeded swap. */
export async function preferences(): Promise<Measured[]> {
  let [rows, worst] = [0, 0];
  for (const { annotations } of annotated(2))
    for (const row of annotations) {
      if (row.raw_completion === undefined || row.raw_completion === null) continue;
      rows++;
      worst = Math.max(worst, Math.abs((preferenceFromReply(row) ?? Number.POSITIVE_INFINITY) - row.preference!));
    }
  return [{ what: `preferences rebuilt, ${rows} rows, largest error`, measured: worst, bar: 1e-9 }];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
