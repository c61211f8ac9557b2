import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PROGRESS_SUFFIX } from "@zephyr/aif";
import { LOG_FILE, type LogEntry, readLog } from "@zephyr/train-webgpu";
import { usageError } from "../errors/usage-error.ts";
import { integer, number, toggle } from "../flags/flag.ts";
import { type FeedbackView, feedbackView } from "../watch/feedback-view.ts";
import { findSources } from "../watch/find-sources.ts";
import { type FollowedFile, followFile } from "../watch/follow-file.ts";
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
    "Serves a page on this machine that shows work as it goes on: of training runs curves, rewards, speed, time left and samples; of complete, rate and generate-dialogues rows, cost against the budget and time left; of align its stages. RUN is a folder, of which all below it is shown, or the output of a feedback job. Ctrl-C ends it.",
  flags,
  graceful: true,
  async run(invocation) {
    for (const run of invocation.positionals) {
      const isFolder = existsSync(run) && statSync(run).isDirectory();
      if (!isFolder && !existsSync(run + PROGRESS_SUFFIX))
        throw usageError(
          `${run} is no folder, and there is no ${run}${PROGRESS_SUFFIX}; give the output folder of sft, dpo or align, or the output of complete, rate or generate-dialogues`,
        );
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
  const { runs, feedback, recipes } = server.all();
  const shortRuns = runs.map(({ name, state, step, last }) => ({ name, state, step, last }));
  const result = { url: server.url, runs: shortRuns, feedback: feedback.map(withoutId), recipes: recipes.map(withoutId) };
  return { result, lines: [] };
}

const withoutId = <T extends { id: number }>({ id: _, ...rest }: T): Omit<T, "id"> => rest;

async function watchLines({ flags, positionals, reporter, interrupt }: WatchInvocation): Promise<Outcome> {
  const shown = new Map<string, number>();
  const jobs = new Map<string, FollowedFile<FeedbackView>>();
  for (;;) {
    const { runs, feedback } = findSources(positionals);
    const several = runs.length + feedback.length > 1;
    // Looked at before the logs, so that lines written in between are not missed.
    const isOver = runs.every(({ path }) => existsSync(join(path, "trainer_state.json")));
    const last: Record<string, LogEntry | null> = {};
    for (const { name, path } of runs) {
      const entries = await readLog(join(path, LOG_FILE));
      // A resumed run cuts its log.
      const before = Math.min(shown.get(path) ?? 0, entries.length);
      for (const entry of entries.slice(before)) reporter.note((several ? `${name}  ` : "") + logLine(entry));
      shown.set(path, entries.length);
      last[path] = entries.at(-1) ?? null;
    }
    for (const { name, path } of feedback) {
      const job = jobs.get(path) ?? followFile(path, (json) => feedbackView(0, name, json));
      jobs.set(path, job);
      const news = await job.poll();
      if (news) reporter.note(feedbackLine(news));
    }
    const states = [...jobs.values()].flatMap((job) => job.last() ?? []).map(withoutId);
    if ((isOver && states.every(({ status }) => status !== "running")) || flags.once || interrupt.drain.aborted) {
      if ([...shown.values()].every((count) => count === 0) && states.length === 0)
        reporter.note(`${positionals.join(", ")}: nothing has begun yet`);
      const [run] = runs.map(({ path }) => path);
      const lastOf = runs.map(({ path }) => ({ run: path, last: last[path] }));
      const newest = run === undefined ? null : last[run];
      return { result: { run: positionals[0], finished: isOver, last: newest, runs: lastOf, feedback: states }, lines: [] };
    }
    await sleep(1000 * flags.interval, undefined, { signal: interrupt.drain }).catch(() => undefined);
  }
}

function feedbackLine({ name, status, rows, cost_usd, budget_usd, projected_cost_usd }: FeedbackView): string {
  const dollars = (usd: number): string => `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
  return [
    `${name}  ${status}`,
    `${rows.done + rows.failed} of ${rows.total} rows`,
    ...(rows.failed > 0 ? [`${rows.failed} failed`] : []),
    `${dollars(cost_usd)}${budget_usd === null ? "" : ` of ${dollars(budget_usd)}`}`,
    ...(projected_cost_usd === null || status !== "running" ? [] : [`about ${dollars(projected_cost_usd)} in all`]),
  ].join("  ");
}

function logLine(entry: LogEntry): string {
  const cells = COLUMNS.flatMap((name) => (typeof entry[name] === "number" ? [`${name} ${entry[name].toPrecision(5)}`] : []));
  return [`step ${entry.step}`, ...cells].join("  ");
}
