import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export type LogLine = Record<string, number>;

/** The whole lines of a run's log, of which there are none before the run has begun; a line under way counts for nothing. */
export function trainingLog(run: string): LogLine[] {
  const file = join(run, "log_history.jsonl");
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** Waits until the run's log holds so many lines, or until `isOver` says that it will get no more. */
export async function untilLogged(run: string, lines: number, isOver: () => boolean = () => false): Promise<void> {
  while (!isOver() && trainingLog(run).length < lines) await sleep(5);
}
