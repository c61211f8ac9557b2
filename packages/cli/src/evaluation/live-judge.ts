import { type Asker, createAsker, feedbackConfig, type Model, type ModelConfig, modelFromConfig } from "@zephyr/aif";
import type { Generate } from "@zephyr/data";
import { journaledJudge, logprobsJudge, logprobsModel } from "@zephyr/eval";
import { usageError } from "../errors/usage-error.ts";
import { readConfigFile } from "../flags/config-file.ts";
import type { Interrupt } from "../interrupt/interrupt.ts";

/** What a judge answers with: text, or the probabilities of its first token. */
export type Replying = "text" | "logprobs";

/** The judge that a config file describes. */
export interface JudgeConfig {
  model: Model;
  judgeOf: (asker: Asker, model: Model) => Generate;
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
export async function judgeConfig(
  config: Record<string, unknown>,
  configFile: string | undefined,
  replying: Replying,
): Promise<JudgeConfig> {
  if (configFile === undefined) throw usageError("--config is missing; give a YAML or JSON file with a judge");
  const { judge, budgetUsd, journal } = await feedbackConfig(config, readConfigFile, configFile);
  if (judge === undefined) throw usageError(`${configFile} names no judge; add a judge with base_url and model`);
  const model = modelFromConfig(judge, process.env);
  return replying === "text"
    ? { model, judgeOf: journaledJudge, budgetUsd, journal }
    : { model: withLogprobs(judge, model), judgeOf: logprobsJudge, budgetUsd, journal };
}

/** The judge's model as one that answers with log-probabilities; its limits stay. */
function withLogprobs(config: ModelConfig, { name, price }: Model): Model {
  const { base_url: baseUrl, model, api_key_env } = config;
  return logprobsModel({
    ...{ name, baseUrl, model, apiKey: api_key_env === undefined ? undefined : process.env[api_key_env] },
    limits: {
      maxConcurrency: config.max_concurrency,
      requestsPerMinute: config.requests_per_minute,
      tokensPerMinute: config.tokens_per_minute,
      timeoutSeconds: config.timeout_seconds,
      maxRetries: config.max_retries,
      maxWaitSeconds: config.max_wait_seconds,
      price,
    },
  });
}

/** Opens the judge; what is in `journal` (unless the config names another) is not asked again. */
export async function openJudge(
  { model, judgeOf, budgetUsd, journal: named }: JudgeConfig,
  journal: string,
  { drain, signal }: Interrupt,
): Promise<LiveJudge> {
  const asker = await createAsker({ models: [model], journal: named ?? journal, budgetUsd, drain, signal });
  return {
    judge: judgeOf(asker, model),
    name: model.name,
    concurrency: model.limits.maxConcurrency,
    [Symbol.asyncDispose]: () => asker.close(),
  };
}
