import type { Model } from "../model.ts";
import type { Progress } from "../stage.ts";

/** What a live line shows. */
export interface LiveState {
  progress: Progress;
  rowsTotal: number;
  /** Requests that the whole run was estimated to send, by model. */
  requests: Record<string, number>;
  budgetUsd: number | undefined;
  models: readonly Model[];
  seconds: number;
}

/** "120/1000 rows, 2 failed, $0.1234 of $20 (about $1.03 in all), 12.3 rows/s, 1m12s left; gpt-4o waits 30 s". */
export function progressLine({ progress, rowsTotal, requests, budgetUsd, models, seconds }: LiveState): string {
  const { rowsDone, rowsFailed, asker } = progress;
  const finished = rowsDone + rowsFailed + progress.duplicates;
  const spent = asker.spentUsd();
  const parts = [`${finished}/${rowsTotal} rows`];
  if (rowsFailed > 0) parts.push(`${rowsFailed} failed`);
  if (spent > 0 || budgetUsd !== undefined) {
    const projected = projectedCost(progress, requests);
    const shown = projected === undefined ? "" : ` (about ${dollars(projected)} in all)`;
    parts.push(`${dollars(spent)}${budgetUsd === undefined ? "" : ` of ${dollars(budgetUsd)}`}${shown}`);
  }
  if (finished > 0 && seconds > 0) parts.push(`${(finished / seconds).toFixed(1)} rows/s`);
  const left = secondsLeft(progress, requests, seconds);
  if (left !== undefined) parts.push(`${duration(left)} left`);
  const parked = models
    .filter((model) => model.pausedMs() > 1000)
    .map((model) => `${model.name} waits ${duration(model.pausedMs() / 1000)}`);
  return [parts.join(", "), ...parked].join("; ");
}

/**
 * What is spent, and for each model the answers it still owes at what its answers have cost so far: a dear model that is slow
 * counts in full from the start. Undefined until every model has answered.
 */
export function projectedCost({ asker }: Progress, requests: Record<string, number>): number | undefined {
  let cost = asker.spentUsd();
  for (const [name, count] of Object.entries(requests)) {
    const { answered = 0, resumed = 0, costUsd = 0 } = asker.totals.get(name) ?? {};
    const left = Math.max(0, count - answered - resumed);
    if (left === 0) continue;
    if (answered === 0) return undefined;
    cost += (left * costUsd) / answered;
  }
  return cost;
}

/** At the pace of this run's own answers: those of an earlier run were there at once. */
export function secondsLeft({ asker }: Progress, requests: Record<string, number>, seconds: number): number | undefined {
  let [answers, left] = [0, 0];
  for (const [name, count] of Object.entries(requests)) {
    const { answered = 0, resumed = 0 } = asker.totals.get(name) ?? {};
    answers += answered;
    left += Math.max(0, count - answered - resumed);
  }
  return answers === 0 ? undefined : (left * seconds) / answers;
}

export function dollars(usd: number): string {
  return `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
}

export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${whole % 60}s`;
  return `${Math.floor(whole / 3600)}h${Math.floor((whole % 3600) / 60)}m`;
}
