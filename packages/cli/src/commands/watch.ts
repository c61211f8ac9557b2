import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LOG_FILE, type LogEntry, readLog } from "@zephyr/train-webgpu";
import { usageError } from "../errors/usage-error.ts";
import { number, toggle } from "../flags/flag.ts";
import { command } from "./command.ts";

const COLUMNS = ["loss", "eval_loss", "rewards/margins", "rewards/accuracies", "grad_norm", "learning_rate", "epoch"];

/** `zephyr watch`: a run's log as it grows. */
export const watch = command({
  arguments: ["RUN"],
  description: "Shows the log of a training run as it grows, until the run is finished or Ctrl-C.",
  flags: {
    once: toggle({ help: "show what there is and end" }),
    interval: number({ help: "seconds between looks", default: 1, min: 0, above: true }),
  },
  graceful: true,
  async run({ flags, positionals, reporter, interrupt }) {
    const run = positionals[0]!;
    if (!existsSync(run) || !statSync(run).isDirectory())
      throw usageError(`${run} is no folder; give the output folder of sft or dpo`);
    let shown = 0;
    for (;;) {
      // Looked at before the log, so that lines written in between are not missed.
      const isOver = existsSync(join(run, "trainer_state.json"));
      const entries = await readLog(join(run, LOG_FILE));
      // A resumed run cuts its log.
      shown = Math.min(shown, entries.length);
      for (const entry of entries.slice(shown)) reporter.note(logLine(entry));
      shown = entries.length;
      if (isOver || flags.once || interrupt.drain.aborted)
        return { result: { run, finished: isOver, last: entries.at(-1) ?? null }, lines: [] };
      await sleep(1000 * flags.interval, undefined, { signal: interrupt.drain }).catch(() => undefined);
    }
  },
});

function logLine(entry: LogEntry): string {
  const cells = COLUMNS.flatMap((name) => (typeof entry[name] === "number" ? [`${name} ${entry[name].toPrecision(5)}`] : []));
  return [`step ${entry.step}`, ...cells].join("  ");
}
