import {
  type FeedbackConfig,
  feedbackConfig,
  type RunOptions,
  type RunResult,
  runComplete,
  runGenerateDialogues,
  runRate,
} from "@zephyr/aif";
import { usageError } from "../errors/usage-error.ts";
import { readConfigFile } from "../flags/config-file.ts";
import { integer, text, toggle } from "../flags/flag.ts";
import { checkInput } from "../rows/output-file.ts";
import { checkPush, hubFlags, pushRows } from "../rows/push-rows.ts";
import { collectOften } from "../rows/small-heap.ts";
import { command, type Invocation, type Outcome } from "./command.ts";

const runFlags = {
  output: text({ help: "file to write; its journal lies beside it", placeholder: "FILE", required: true }),
  resume: toggle({ help: "complete an output from its journal" }),
  overwrite: toggle({ help: "start anew, forgetting earlier answers" }),
  dryRun: toggle({ help: "print requests, tokens and the range of the cost; send nothing" }),
  allowFailures: integer({ help: "so many failed rows still count as success", default: 0, min: 0 }),
};
const redisFlag = {
  redis: text({ help: "hand the requests to `zephyr worker` processes on this server", placeholder: "URL" }),
};
const inputFlag = { input: text({ help: "rows to read", placeholder: "FILE", required: true }) };
type RunFlags = typeof runFlags;

/** The config of models and judge: the config file's keys that are no flags. */
export async function config({
  config,
  configFile,
}: Pick<Invocation<RunFlags>, "config" | "configFile">): Promise<FeedbackConfig> {
  if (configFile === undefined) throw usageError("--config is missing; give a YAML or JSON file that describes the models");
  return feedbackConfig(config, readConfigFile, configFile);
}

/** What a run needs of the command line; the first interrupt lets requests on the wire come home. */
function runOptions({ flags, reporter, interrupt }: Invocation<RunFlags>): RunOptions {
  const { output, resume, overwrite, dryRun, allowFailures } = flags;
  return {
    output,
    resume,
    overwrite,
    dryRun,
    allowFailures,
    drain: interrupt.drain,
    signal: interrupt.signal,
    onLine: reporter.status,
    onNote: reporter.note,
  };
}

function outcome({ exit_code, status, output, rows, failed, ...rest }: RunResult, hub?: string): Outcome {
  const failures = failed > 0 ? `, ${failed} failed (see ${output}.failed.jsonl)` : "";
  const line = status === "done" || status === "partial" ? [`${output}: ${rows} rows${failures}`] : [];
  const result = { status, output, rows, failed, ...rest, ...(hub === undefined ? {} : { hub }), exit_code };
  return { result, lines: hub === undefined ? line : [...line, hub], exitCode: exit_code };
}

/** Runs one of the three jobs, and puts its rows where `--push-to-hub` says. */
async function runJob(
  invocation: Invocation<typeof runFlags & typeof hubFlags & typeof redisFlag>,
  input: string | undefined,
  job: (options: RunOptions & { config: FeedbackConfig }) => Promise<RunResult>,
): Promise<Outcome> {
  if (input !== undefined) checkInput(input, "--input");
  checkPush(invocation.flags);
  collectOften();
  const { redis } = invocation.flags;
  const result = await job({ ...runOptions(invocation), redis, config: await config(invocation) });
  return outcome(result, await pushRows(result, invocation.flags));
}

/** `zephyr complete`: answers of the model pool. */
export const complete = command({
  description: "Answers of a pool of models (--config: models, completions_per_prompt, principles, ...) to every prompt.",
  flags: { ...inputFlag, ...runFlags, ...hubFlags, ...redisFlag },
  ownConfig: true,
  graceful: true,
  run(invocation) {
    const { input } = invocation.flags;
    return runJob(invocation, input, (options) => runComplete({ ...options, input }));
  },
});

/** `zephyr rate`: a judge's ratings. */
export const rate = command({
  description: "Ratings of every completion, with reasons, by a judge (--config: judge, rubric, repeats, ...).",
  flags: { ...inputFlag, ...runFlags, ...hubFlags, ...redisFlag },
  ownConfig: true,
  graceful: true,
  run(invocation) {
    const { input } = invocation.flags;
    return runJob(invocation, input, (options) => runRate({ ...options, input }));
  },
});

/** `zephyr generate-dialogues`: dSFT data. */
export const generateDialogues = command({
  description:
    "Dialogues between a model that plays the user and one that answers (--config: user, assistant, dialogues_per_topic, rounds, ...).",
  flags: {
    ...runFlags,
    ...hubFlags,
    ...redisFlag,
    input: text({ help: "topic rows [the topics that ship]", placeholder: "FILE" }),
  },
  ownConfig: true,
  graceful: true,
  run(invocation) {
    const { input } = invocation.flags;
    return runJob(invocation, input, (options) => runGenerateDialogues({ ...options, input }));
  },
});
