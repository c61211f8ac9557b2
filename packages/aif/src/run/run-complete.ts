import { writeFileSync } from "node:fs";
import { type CompletionsRow, type PromptRow, readRows } from "@zephyr/data";
import { complete, planCompletions } from "../complete.ts";
import { ConfigError } from "../config/check-fields.ts";
import type { FeedbackConfig } from "../config/feedback-config.ts";
import { checkBudget, modelFromConfig } from "../config/model-from-config.ts";
import { withWorkers } from "../redis/coordinator.ts";
import { PRINCIPLE_PRESETS } from "../sampling/principles.ts";
import { completionStatistics } from "./completion-statistics.ts";
import { outputFiles } from "./output-files.ts";
import { completionsCard } from "./run-card.ts";
import { type RunOptions, type RunResult, runStage } from "./run-stage.ts";

export interface RunCompleteOptions extends RunOptions {
  /** A file of prompt rows, or rows that can be read twice. */
  input: string | AsyncIterable<PromptRow>;
  config: FeedbackConfig;
  env?: Record<string, string | undefined>;
}

/**
 * `zephyr complete`: answers of the pool for every row of a file.
 *
 * @throws ConfigError for a config that names no models, too few of them, or keys that are not set.
 * @example const { exit_code } = await runComplete({ input: "prompts.jsonl", output: "completions.jsonl", config });
 */
export async function runComplete({ input, config, env = process.env, ...run }: RunCompleteOptions): Promise<RunResult> {
  const { completionsPerPrompt, seed, budgetUsd, journal } = config;
  if (config.models.length === 0) throw new ConfigError("config: models is missing; complete needs at least one");
  if (completionsPerPrompt > config.models.length) {
    throw new ConfigError(
      `config: completions_per_prompt is ${completionsPerPrompt} but there are ${config.models.length} models; each answer comes from another model`,
    );
  }
  checkBudget(config.models, budgetUsd);
  const isSender = run.dryRun !== true && run.redis === undefined;
  const locals = config.models.map((model) => modelFromConfig(model, isSender ? env : anyKey(env)));
  const principles = typeof config.principles === "string" ? PRINCIPLE_PRESETS[config.principles] : config.principles;
  const rows = typeof input === "string" ? readRows<PromptRow>(input) : input;
  const result = await withWorkers(run.dryRun === true ? undefined : run.redis, (place) => {
    const models = locals.map(place);
    return runStage<PromptRow, PromptRow & CompletionsRow>({
      ...run,
      where: "complete",
      rows,
      models,
      journal,
      budgetUsd,
      seed,
      plan: (row, where) => planCompletions(row, where, models, completionsPerPrompt, principles, seed),
      transform: (options) => complete({ ...options, models, completionsPerPrompt, principles }),
    });
  });
  if (result.status === "done" || result.status === "partial") {
    const failedRows = result.failed > 0 ? outputFiles(run.output, journal).failed : undefined;
    const statistics = await completionStatistics(readRows<CompletionsRow>(run.output), failedRows);
    writeFileSync(outputFiles(run.output, journal).card, completionsCard(config, result, statistics));
  }
  return result;
}

/** Who sends nothing (a dry run, the coordinator of workers) needs no keys. */
export function anyKey(env: Record<string, string | undefined>): Record<string, string | undefined> {
  return new Proxy(env, { get: (target, name) => target[name as string] ?? "not-needed" });
}
