import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { LOG_FILE } from "@zephyr/train-webgpu";
import { holderOf } from "../training/run-folder.ts";
import { SAMPLES_FILE } from "../training/samples.ts";
import { TIMING_FILE, type TimingLine } from "../training/timing.ts";
import { type KeptSamples, keptSamples, type PromptView, type SampleView } from "./kept-samples.ts";
import { logRow } from "./log-row.ts";
import { runClock } from "./run-clock.ts";
import { type Tail, tailFile } from "./tail-file.ts";
import { type Row, thinnedRows } from "./thinned-rows.ts";

const MOST_ROWS = 8000;
/** A log that grew so recently is being written, on another machine perhaps. */
const RECENT_MS = 60_000;
const WEIGHTS = ["model.safetensors", "model.safetensors.index.json", "adapter_model.safetensors"];

export type RunState = "waiting" | "running" | "stopped" | "finished";

/** A run as the page sees it; rows, samples and prompts are those that are new, or all of them after a `reset`. */
export interface RunUpdate {
  id: number;
  name: string;
  state: RunState;
  step: number;
  max_steps: number | null;
  seconds_left: number | null;
  /** The newest value of every metric. */
  last: Record<string, number>;
  reset: boolean;
  rows: Row[];
  samples: SampleView[];
  prompts: PromptView[];
  /** Of a very long run every so manieth step is shown. */
  stride: number;
  /** Lines that could not be read. */
  faults: number;
}

/** A run's folder under watch. */
export interface FollowedRun {
  /** What changed since the last look; undefined where nothing did. */
  poll(): Promise<RunUpdate | undefined>;
  /** Everything, for a page that has just come. */
  whole(): RunUpdate;
}

type Fresh = Pick<RunUpdate, "rows" | "samples" | "prompts">;

/** Follows the log, the times and the samples of the run in a folder. */
export function followRun(id: number, name: string, folder: string): FollowedRun {
  const [readLog, readTimes, readSamples] = [LOG_FILE, TIMING_FILE, SAMPLES_FILE].map((file) => tailFile(join(folder, file))) as [
    Tail,
    Tail,
    Tail,
  ];
  const empty = () => ({ steps: thinnedRows(MOST_ROWS), held: thinnedRows(MOST_ROWS), rates: thinnedRows(MOST_ROWS) });
  let kept = empty();
  let said: KeptSamples = keptSamples();
  let clock = runClock();
  let last: Record<string, number> = {};
  let [faults, shown] = [0, ""];

  const keep = (row: Row): boolean => {
    const { step, ...metrics } = row;
    Object.assign(last, metrics, "loss" in row && { step });
    return ("loss" in row ? kept.steps : "seconds_per_step" in row ? kept.rates : kept.held).push(row);
  };
  let now: RunState = "waiting";
  const update = (reset: boolean, fresh: Fresh): RunUpdate => ({
    id,
    name,
    state: now,
    step: last["step"] ?? 0,
    max_steps: clock.maxSteps ?? null,
    seconds_left: now === "running" ? (clock.secondsLeft() ?? null) : null,
    last,
    reset,
    ...fresh,
    stride: kept.steps.stride,
    faults: faults + said.faults,
  });
  const whole = (): RunUpdate => {
    const rows = [...kept.steps.rows, ...kept.held.rows, ...kept.rates.rows];
    return update(true, { rows, samples: said.samples, prompts: said.prompts });
  };

  const take = (log: string[], times: string[]): { rows: Row[]; isCut: boolean } => {
    const rows: Row[] = [];
    let isCut = false;
    for (const line of log) {
      const row = logRow(line);
      if (!row) faults++;
      else if (keep(row)) rows.push(row);
    }
    for (const line of times) {
      const time = timingLine(line);
      if (!time) faults++;
      else if (time.begin) isCut = kept.rates.cutAfter(time.step) || isCut;
      const row = time && clock.tick(time);
      if (row && keep(row)) rows.push(row);
    }
    return { rows, isCut };
  };

  return {
    whole,
    async poll() {
      const [log, times, answers] = [await readLog(), await readTimes(), await readSamples()];
      // A run that goes on from a checkpoint cuts its log back to it.
      if (log.rewritten) [kept, last, faults] = [{ ...empty(), rates: kept.rates }, {}, 0];
      if (times.rewritten) [kept, clock] = [{ ...kept, rates: empty().rates }, runClock()];
      if (answers.rewritten) said = keptSamples();
      faults += log.tooLong + times.tooLong + answers.tooLong;
      const { rows, isCut } = take(log.lines, times.lines);
      const { thinned, ...fresh } = said.take(answers.lines);
      now = await stateOf(folder);
      const reset = log.rewritten || times.rewritten || answers.rewritten || isCut || thinned;
      const key = JSON.stringify([now, last, faults + said.faults]);
      if (key === shown && !reset && fresh.samples.length === 0) return undefined;
      shown = key;
      return reset ? whole() : update(false, { rows, ...fresh });
    },
  };
}

async function stateOf(folder: string): Promise<RunState> {
  if (holderOf(folder) !== undefined) return "running";
  if (existsSync(join(folder, "trainer_state.json"))) return "finished";
  const log = await stat(join(folder, LOG_FILE)).catch(() => undefined);
  if (!log) return "waiting";
  // A script of one's own saves what it trained, and no trainer's state.
  for (const name of WEIGHTS) {
    const weights = await stat(join(folder, name)).catch(() => undefined);
    if (weights && weights.mtimeMs >= log.mtimeMs) return "finished";
  }
  return Date.now() - log.mtimeMs < RECENT_MS ? "running" : "stopped";
}

function timingLine(line: string): TimingLine | undefined {
  const row = logRow(line);
  const isWhole = row && ["max_steps", "time", "samples", "num_tokens", "memory_mib"].every((name) => name in row);
  if (!isWhole) return undefined;
  return { ...(row as unknown as TimingLine), ...(/"begin":\s*true/.test(line) && { begin: true as const }) };
}
