import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LOG_FILE, type LogEntry, readLog } from "@zephyr/train-webgpu";
import { usageError } from "../errors/usage-error.ts";
import { integer, number, toggle } from "../flags/flag.ts";
import { serveWatch } from "../watch/watch-server.ts";
import { command, type Invocation, type Outcome } from "./command.ts";

const COLUMNS = ["loss", "eval_loss", "rewards/margins", "rewards/accuracies", "grad_norm", "learning_rate", "epoch"];

const flags = {
  port: integer({ help: "of the page on 127.0.0.1; 0: any free one", default: 0, min: 0, max: 65_535 }),
  page: toggle({ help: "serve the page; --no-page: the lines of the log instead, until the run is finished", default: true }),
  once: toggle({ help: "show the lines that there are and end" }),
  interval: number({ help: "seconds between looks", default: 1, min: 0, above: true }),
};
type WatchInvocation = Invocation<typeof flags>;

/** `zephyr watch`: runs as they go on, as a page or line by line. */
export const watch = command({
  arguments: ["RUN..."],
  description:
    "Serves a page on this machine that shows training runs as they go on: curves, rewards, speed and time left. Several runs are drawn together; of a folder of runs, all below it. Ctrl-C ends it.",
  flags,
  graceful: true,
  async run(invocation) {
    for (const run of invocation.positionals) {
      if (!existsSync(run) || !statSync(run).isDirectory())
        throw usageError(`${run} is no folder; give the output folder of sft, dpo or align`);
    }
    const { page, once } = invocation.flags;
    return page && !once ? watchPage(invocation) : watchLines(invocation);
  },
});

async function watchPage({ flags, positionals, reporter, interrupt }: WatchInvocation): Promise<Outcome> {
  const { port, interval: seconds } = flags;
  const faults = new Set<string>();
  const onFault = (error: unknown): void => {
    const text = error instanceof Error ? error.message : String(error);
    if (!faults.has(text)) reporter.note(`watch: ${text}`);
    faults.add(text);
  };
  await using server = await serveWatch({ folders: positionals, port, seconds, onFault }).catch((error) => {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw usageError(`--port ${port} of 127.0.0.1 is in use; give another, or 0 for any free one`, error);
  });
  reporter.note(`${server.url} shows ${positionals.join(", ")}; Ctrl-C ends it`);
  if (!interrupt.drain.aborted) await new Promise((resolve) => interrupt.drain.addEventListener("abort", resolve));
  const runs = server.runs().map(({ name, state, step, last }) => ({ name, state, step, last }));
  return { result: { url: server.url, runs }, lines: [] };
}

async function watchLines({ flags, positionals, reporter, interrupt }: WatchInvocation): Promise<Outcome> {
  const shown = new Map<string, number>();
  for (;;) {
    // Looked at before the logs, so that lines written in between are not missed.
    const isOver = positionals.every((run) => existsSync(join(run, "trainer_state.json")));
    const last: Record<string, LogEntry | null> = {};
    for (const run of positionals) {
      const entries = await readLog(join(run, LOG_FILE));
      // A resumed run cuts its log.
      const before = Math.min(shown.get(run) ?? 0, entries.length);
      const prefix = positionals.length > 1 ? `${run}  ` : "";
      for (const entry of entries.slice(before)) reporter.note(prefix + logLine(entry));
      shown.set(run, entries.length);
      last[run] = entries.at(-1) ?? null;
    }
    if (isOver || flags.once || interrupt.drain.aborted) {
      const runs = positionals.map((run) => ({ run, last: last[run] }));
      return { result: { run: positionals[0], finished: isOver, last: last[positionals[0]!], runs }, lines: [] };
    }
    await sleep(1000 * flags.interval, undefined, { signal: interrupt.drain }).catch(() => undefined);
  }
}

function logLine(entry: LogEntry): string {
  const cells = COLUMNS.flatMap((name) => (typeof entry[name] === "number" ? [`${name} ${entry[name].toPrecision(5)}`] : []));
  return [`step ${entry.step}`, ...cells].join("  ");
}
