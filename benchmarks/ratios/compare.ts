import type { Measurement } from "../peers/measure.ts";
import { CASE_BARS, MEASURES } from "./bars.ts";
import { PEERS, type Peer } from "./stacks.ts";

export type Line = Measurement & { peer: Peer; adapter?: string };

/** A number of each whole run: their median, and how far they lie apart. */
export interface Spread {
  median: number;
  least: number;
  most: number;
}

export interface BarResult {
  against: string;
  bar: number;
  aim?: number | undefined;
  reached: boolean;
}

/** One case of Zephyr beside every stack that has it. */
export interface CaseResult {
  case: string;
  /** Milliseconds, or MiB for a case of memory: the median over the runs, by stack. */
  values: Partial<Record<Peer, number>>;
  /** Time of the better of jax-js and tfjs over Zephyr's. */
  overJavascript?: Spread;
  /** Zephyr's time over that of PyTorch, and of TRL. */
  overTorch?: Spread;
  overTrl?: Spread;
  bars: BarResult[];
  /** Each stack's numbers beside Zephyr's, where the case has numbers that must agree. */
  agreement: { peer: Peer; quantity: string; zephyr: number; peers: number; agrees: boolean }[];
}

/** A number of Zephyr alone. */
export interface MeasureResult {
  name: string;
  unit: string;
  value: Spread;
  bars: BarResult[];
}

/** Which bars hold for these runs: those of ratios for one adapter, those of measures for one model. */
export interface WantedBars {
  ratios: boolean;
  measures: boolean;
}

/** How far a stack's log-probability, loss or norm may lie from Zephyr's, relative to 1 or to it where it is larger. */
export const TOLERANCE = 1e-3;

/** All cases of Zephyr over the runs. A ratio is taken within each run; what is told is the median of the runs' ratios. */
export function compareRuns(runs: Line[][], wanted: WantedBars): { cases: CaseResult[]; measures: MeasureResult[] } {
  const names = [...new Set(runs.flat().flatMap(({ peer, case: name }) => (peer === "zephyr" ? [name] : [])))];
  return {
    cases: names.map((name) => compareCase(runs, name, wanted.ratios)),
    measures: MEASURES.flatMap(({ name, unit, cases, of, bar, aim }) => {
      const perRun = runs.flatMap((run) => {
        const values = cases.map((one) => numberOf(lineOf(run, "zephyr", one)));
        return values.every((value) => value !== undefined) ? [of(values as number[])] : [];
      });
      if (perRun.length === 0) return [];
      const value = spread(perRun);
      const result: BarResult = { against: "itself", bar, aim, reached: value.median <= bar };
      return [{ name, unit, value, bars: wanted.measures ? [result] : [] }];
    }),
  };
}

function compareCase(runs: Line[][], name: string, withBars: boolean): CaseResult {
  const values: CaseResult["values"] = {};
  for (const peer of ["zephyr", ...PEERS] as const) {
    const perRun = runs.flatMap((run) => numberOf(lineOf(run, peer, name)) ?? []);
    if (perRun.length > 0) values[peer] = spread(perRun).median;
  }
  const over = (ratio: (zephyr: number, run: Line[]) => number | undefined): Spread | undefined => {
    const perRun = runs.flatMap((run) => {
      const ms = lineOf(run, "zephyr", name)?.ms_median;
      return ms === undefined ? [] : (ratio(ms, run) ?? []);
    });
    return perRun.length > 0 ? spread(perRun) : undefined;
  };
  const timeOf = (run: Line[], peer: Peer): number | undefined => lineOf(run, peer, name)?.ms_median;
  const overJavascript = over((ms, run) => {
    const times = [timeOf(run, "jax-js-webgpu"), timeOf(run, "tfjs-webgpu")].filter((time) => time !== undefined);
    return times.length > 0 ? Math.min(...times) / ms : undefined;
  });
  const overPeer = (peer: Peer) =>
    over((ms, run) => {
      const theirs = timeOf(run, peer);
      return theirs === undefined ? undefined : ms / theirs;
    });
  const [overTorch, overTrl] = [overPeer("torch-cpu"), overPeer("trl-cpu")];
  const bars = CASE_BARS.flatMap(({ case: pattern, against, bar, aim }): BarResult[] => {
    const ratio = against === "javascript" ? overJavascript : overTorch;
    if (!withBars || !ratio || !pattern.test(name)) return [];
    return [{ against, bar, aim, reached: against === "javascript" ? ratio.median >= bar : ratio.median <= bar }];
  });
  return {
    case: name,
    values,
    ...(overJavascript && { overJavascript }),
    ...(overTorch && { overTorch }),
    ...(overTrl && { overTrl }),
    bars,
    agreement: PEERS.flatMap((peer) => agreementOf(runs, peer, name)),
  };
}

/** The last run's numbers: every run computes the same. The loss of `train_step` is of other weights in every stack. */
function agreementOf(runs: Line[][], peer: Peer, name: string): CaseResult["agreement"] {
  const [ours, theirs] = [runs.at(-1)!, runs.at(-1)!].map((run, i) => lineOf(run, i === 0 ? "zephyr" : peer, name));
  if (!ours || !theirs || name.startsWith("train_step")) return [];
  return (["logp", "grad_norm", "loss"] as const).flatMap((quantity) => {
    const [zephyr, peers] = [ours[quantity], theirs[quantity]];
    if (zephyr === undefined || peers === undefined) return [];
    const agrees = Math.abs(zephyr - peers) <= TOLERANCE * Math.max(1, Math.abs(zephyr));
    return [{ peer, quantity, zephyr, peers, agrees }];
  });
}

/** A stack's line of a case. Stacks but Zephyr have one product of each size for all three layouts. */
function lineOf(run: Line[], peer: Peer, name: string): Line | undefined {
  const wanted = peer === "zephyr" ? name : name.replace(/^(matmul_\d+)_(nn|nt|tn)$/, "$1");
  return run.find((line) => line.peer === peer && line.case === wanted);
}

const numberOf = (line: Line | undefined): number | undefined => line?.ms_median ?? line?.mib;

function spread(values: number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, least: sorted[0]!, most: sorted.at(-1)! };
}
