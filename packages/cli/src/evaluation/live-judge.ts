import { createAsker, feedbackConfig, modelFromConfig } from "@zephyr/aif";
import type { Generate } from "@zephyr/data";
import { journaledJudge } from "@zephyr/eval";
import { usageError } from "../errors/usage-error.ts";
import { readConfigFile } from "../flags/config-file.ts";
import type { Interrupt } from "../interrupt/interrupt.ts";

/** A judge behind journal and budget. */
export interface LiveJudge extends AsyncDisposable {
  judge: Generate;
  name: string;
  /** Requests that are worth sending at once. */
  concurrency: number;
}

export interface LiveJudgeOptions {
  config: Record<string, unknown>;
  configFile: string | undefined;
  /** Folder of the journal: what is in it is not asked again. */
  journal: string;
  interrupt: Interrupt;
}

/** The judge that `--config` describes. Throws a usage error without one. */
export async function openJudge({ config, configFile, journal, interrupt }: LiveJudgeOptions): Promise<LiveJudge> {
  if (configFile === undefined) throw usageError("--config is missing; give a YAML or JSON file with a judge");
  const { judge, budgetUsd, journal: named } = await feedbackConfig(config, readConfigFile, configFile);
  if (judge === undefined) throw usageError(`${configFile} names no judge; add a judge with base_url and model`);
  const model = modelFromConfig(judge, process.env);
  const { drain, signal } = interrupt;
  const asker = await createAsker({ models: [model], journal: named ?? journal, budgetUsd, drain, signal });
  return {
    judge: journaledJudge(asker, model),
    name: model.name,
    concurrency: model.limits.maxConcurrency,
    [Symbol.asyncDispose]: () => asker.close(),
  };
}
