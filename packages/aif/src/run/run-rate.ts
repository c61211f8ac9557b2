import { writeFileSync } from "node:fs";
import { type CompletionsRow, readRows } from "@zephyr/data";
import { ConfigError } from "../config/check-fields.ts";
import type { FeedbackConfig } from "../config/feedback-config.ts";
import { checkBudget, modelFromConfig } from "../config/model-from-config.ts";
import { type JudgedRow, planJudgements, rate } from "../rate.ts";
import { withWorkers } from "../redis/coordinator.ts";
import { ULTRAFEEDBACK } from "../rubrics/ultrafeedback.ts";
import { outputFiles } from "./output-files.ts";
import { ratingStatistics } from "./rating-statistics.ts";
import { ratingCard } from "./run-card.ts";
import { anyKey } from "./run-complete.ts";
import { type RunOptions, type RunResult, runStage } from "./run-stage.ts";

export interface RunRateOptions extends RunOptions {
  /** A file of completions rows, or rows that can be read twice. */
  input: string | AsyncIterable<CompletionsRow>;
  config: FeedbackConfig;
  env?: Record<string, string | undefined>;
}

/**
 * `zephyr rate`: a judge's ratings of every completion in a file, and `OUTPUT.card.md` on how they came to be.
 *
 * @throws ConfigError for a config without a judge, or with a key that is not set.
 * @example const { exit_code } = await runRate({ input: "completions.jsonl", output: "rated.jsonl", config });
 */
export async function runRate({ input, config, env = process.env, ...run }: RunRateOptions): Promise<RunResult> {
  const { repeats, seed, budgetUsd, journal } = config;
  if (config.judge === undefined) throw new ConfigError("config: judge is missing; rate needs one");
  checkBudget([config.judge], budgetUsd);
  const isSender = run.dryRun !== true && run.redis === undefined;
  const local = modelFromConfig(config.judge, isSender ? env : anyKey(env));
  const rubric = config.rubric === "ultrafeedback" ? ULTRAFEEDBACK : config.rubric;
  const rows = typeof input === "string" ? readRows<CompletionsRow>(input) : input;
  const result = await withWorkers(run.dryRun === true ? undefined : run.redis, (place) => {
    const judge = place(local);
    return runStage<CompletionsRow, Omit<CompletionsRow, "completions"> & JudgedRow>({
      ...run,
      where: "rate",
      rows,
      models: [judge],
      journal,
      budgetUsd,
      seed,
      plan: (row, where) => planJudgements(row, where, rubric, repeats, seed).map(({ messages }) => ({ model: judge, messages })),
      transform: (options) => rate({ ...options, judge, rubric, repeats }),
    });
  });
  if (result.status === "done" || result.status === "partial") {
    const statistics = await ratingStatistics(readRows<JudgedRow>(run.output));
    writeFileSync(outputFiles(run.output, journal).card, ratingCard(config, result, statistics));
  }
  return result;
}
