import { createAsker, feedbackConfig, type Model, modelFromConfig } from "@zephyr/aif";
import type { Generate } from "@zephyr/data";
import { journaledJudge } from "@zephyr/eval";
import { usageError } from "../errors/usage-error.ts";
import { readConfigFile } from "../flags/config-file.ts";
import type { Interrupt } from "../interrupt/interrupt.ts";

/** The judge that a config file describes. */
export interface JudgeConfig {
  model: Model;
  budgetUsd: number | undefined;
  /** Folder of its journal, if the config names one. */
  journal: string | undefined;
}

/** A judge behind journal and budget. */
export interface LiveJudge extends AsyncDisposable {
  judge: Generate;
  name: string;
  /** Requests that are worth sending at once. */
  concurrency: number;
}

/** Reads the judge of a config. Throws a usage error without a file or without a judge in it. */
export async function judgeConfig(config: Record<string, unknown>, configFile: string | undefined): Promise<JudgeConfig> {
  if (configFile === undefined) throw usageError("--config is missing; give a YAML or JSON file with a judge");
  const { judge, budgetUsd, journal } = await feedbackConfig(config, readConfigFile, configFile);
  if (judge === undefined) throw usageError(`${configFile} names no judge; add a judge with base_url and model`);
  return { model: modelFromConfig(judge, process.env), budgetUsd, journal };
}

/** Opens the judge; what is in `journal` (unless the config names another) is not asked again. */
export async function openJudge(
  { model, budgetUsd, journal: named }: JudgeConfig,
  journal: string,
  { drain, signal }: Interrupt,
): Promise<LiveJudge> {
  const asker = await createAsker({ models: [model], journal: named ?? journal, budgetUsd, drain, signal });
  return {
    judge: journaledJudge(asker, model),
    name: model.name,
    concurrency: model.limits.maxConcurrency,
    [Symbol.asyncDispose]: () => asker.close(),
  };
}
