import type { Turnstile } from "../client/turnstile.ts";
import type { Model } from "../model.ts";
import { anthropic } from "../providers/anthropic.ts";
import { gemini } from "../providers/gemini.ts";
import { openaiCompatible } from "../providers/openai-compatible.ts";
import { ConfigError } from "./check-fields.ts";
import type { ModelConfig } from "./feedback-config.ts";

/**
 * Makes the model that a config describes. The key is read from the environment variable that `api_key_env` names; a `turnstile`
 * keeps limits for several processes.
 * Throws a `ConfigError` when that variable is not set.
 */
export function modelFromConfig(config: ModelConfig, env: Record<string, string | undefined>, turnstile?: Turnstile): Model {
  const { name, base_url, model, api_key_env, price } = config;
  const apiKey = api_key_env === undefined ? undefined : env[api_key_env];
  if (api_key_env !== undefined && !apiKey)
    throw new ConfigError(`config: model ${JSON.stringify(name)} takes its key from $${api_key_env}, which is not set`);
  const options = {
    name,
    baseUrl: base_url,
    model,
    apiKey,
    maxConcurrency: config.max_concurrency,
    requestsPerMinute: config.requests_per_minute,
    tokensPerMinute: config.tokens_per_minute,
    timeoutSeconds: config.timeout_seconds,
    maxRetries: config.max_retries,
    maxWaitSeconds: config.max_wait_seconds,
    stream: config.stream,
    turnstile,
    maxTokens: config.max_tokens,
    temperature: config.temperature,
    topP: config.top_p,
    price:
      price === undefined ? undefined : { inputPerMillion: price.input_per_million, outputPerMillion: price.output_per_million },
    structuredOutput: config.structured_output,
  };
  const provider = config.provider ?? providerOf(base_url);
  if (provider === "anthropic") return anthropic(options);
  if (provider === "gemini") return gemini(options);
  return openaiCompatible(options);
}

/** Checks that every model has a price where there is a budget; throws a `ConfigError` before anything is sent. */
export function checkBudget(models: readonly ModelConfig[], budgetUsd: number | undefined): void {
  const unpriced = models.find(({ price }) => price === undefined);
  if (budgetUsd === undefined || unpriced === undefined) return;
  throw new ConfigError(
    `config: budget_usd is ${budgetUsd} but model ${JSON.stringify(unpriced.name)} has no price; give price: {input_per_million, output_per_million}`,
  );
}

/** The provider that speaks its own protocol under this URL; everything else is OpenAI-compatible. */
function providerOf(baseUrl: string): "openai" | "anthropic" | "gemini" {
  const { hostname, pathname } = new URL(baseUrl);
  if (hostname === "api.anthropic.com" && !/chat\/completions/.test(pathname)) return "anthropic";
  if (hostname === "generativelanguage.googleapis.com" && !/\/openai\b/.test(pathname)) return "gemini";
  return "openai";
}
