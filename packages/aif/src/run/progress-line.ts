import type { Model } from "../model.ts";
import type { Progress } from "../stage.ts";

/** What a live line shows. */
export interface LiveState {
  progress: Progress;
  rowsTotal: number;
  /** Requests that the whole run was estimated to send. */
  requestsTotal: number;
  budgetUsd: number | undefined;
  models: readonly Model[];
  seconds: number;
}

/** "120/1000 rows, 2 failed, $0.1234 of $20 (about $1.03 in all), 12.3 rows/s, 1m12s left; gpt-4o waits 30 s". */
export function progressLine({ progress, rowsTotal, requestsTotal, budgetUsd, models, seconds }: LiveState): string {
  const { rowsDone, rowsFailed, asker } = progress;
  const finished = rowsDone + rowsFailed + progress.duplicates;
  const spent = asker.spentUsd();
  const parts = [`${finished}/${rowsTotal} rows`];
  if (rowsFailed > 0) parts.push(`${rowsFailed} failed`);
  if (spent > 0 || budgetUsd !== undefined) {
    const projected = projectedCost(progress, requestsTotal);
    const shown = projected === undefined ? "" : ` (about ${dollars(projected)} in all)`;
    parts.push(`${dollars(spent)}${budgetUsd === undefined ? "" : ` of ${dollars(budgetUsd)}`}${shown}`);
  }
  if (finished > 0 && seconds > 0) {
    parts.push(`${(finished / seconds).toFixed(1)} rows/s`, `${duration(((rowsTotal - finished) * seconds) / finished)} left`);
  }
  const parked = models
    .filter((model) => model.pausedMs() > 1000)
    .map((model) => `${model.name} waits ${duration(model.pausedMs() / 1000)}`);
  return [parts.join(", "), ...parked].join("; ");
}

/** Cost of an answer so far times all answers: rows half done count as far as they are paid for. */
export function projectedCost({ asker }: Progress, requestsTotal: number): number | undefined {
  const answers = [...asker.totals.values()].reduce((sum, { answered, resumed }) => sum + answered + resumed, 0);
  return answers === 0 ? undefined : (asker.spentUsd() / answers) * Math.max(requestsTotal, answers);
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
