import type { Message } from "@zephyr/data";
import { classify, providerError, transportError } from "../client/classify.ts";
import { deadline } from "../client/deadline.ts";
import { RequestError } from "../client/errors.ts";
import { retryAfterMs } from "../client/retry-after.ts";
import { limitedModel, type Model, type ModelCompletion, type ModelDefaults, type ModelLimits, type Price } from "../model.ts";

/** The part of the AI SDK's `LanguageModelV2` and `LanguageModelV3` that is used here. */
export interface AiSdkModel {
  readonly modelId: string;
  readonly provider: string;
  doGenerate(options: Record<string, unknown>): PromiseLike<AiSdkResult>;
}

interface AiSdkResult {
  content: { type: string; text?: string }[];
  finishReason: string | { unified: string };
  usage?: { inputTokens?: AiSdkTokens; outputTokens?: AiSdkTokens } | undefined;
  response?: { modelId?: string } | undefined;
}

type AiSdkTokens = number | { total: number | undefined } | undefined;

export interface FromAiSdkOptions extends ModelLimits, ModelDefaults {
  /** Default: the SDK model's id. */
  name?: string | undefined;
  price?: Price | undefined;
}

/**
 * Any Vercel AI SDK language model as one of ours. Retries and limits are ours, since the model object itself has none.
 *
 * @example const judge = fromAiSdk(mistral("mistral-large-latest"), { maxConcurrency: 8 });
 */
export function fromAiSdk(sdkModel: AiSdkModel, options: FromAiSdkOptions = {}): Model {
  const { name = sdkModel.modelId } = options;
  return limitedModel({
    ...options,
    name,
    id: `ai-sdk:${sdkModel.provider}:${sdkModel.modelId}`,
    async attempt(messages, { maxTokens, temperature, topP, topK, stop, seed, responseSchema, signal }, timeoutMs) {
      const limit = deadline(name, timeoutMs, signal);
      try {
        const result = await sdkModel.doGenerate({
          prompt: messages.map(asPrompt),
          maxOutputTokens: maxTokens,
          temperature,
          topP,
          topK,
          stopSequences: stop,
          seed,
          ...(responseSchema === undefined ? {} : { responseFormat: { type: "json", schema: responseSchema } }),
          abortSignal: limit.signal,
        });
        return completionOf(result, name);
      } catch (cause) {
        throw sdkError(name, limit.explain(cause));
      } finally {
        limit.clear();
      }
    },
  });
}

/** The SDK wants a text for system messages and a list of parts for all others. */
function asPrompt({ role, content }: Message): unknown {
  return role === "system" ? { role, content } : { role, content: [{ type: "text", text: content }] };
}

const FINISH_REASONS: Record<string, string> = { stop: "stop", length: "length", "content-filter": "content_filter" };

function completionOf({ content, finishReason, usage, response }: AiSdkResult, name: string): ModelCompletion {
  const reason = typeof finishReason === "string" ? finishReason : finishReason.unified;
  const text = content.map((part) => (part.type === "text" ? (part.text ?? "") : "")).join("");
  const input = tokens(usage?.inputTokens);
  const output = tokens(usage?.outputTokens);
  if (reason === "content-filter")
    throw new RequestError("content_filter", `${name}: the provider filtered the reply`, { model: name, raw: text });
  if (text.trim() === "")
    throw new RequestError("empty", `${name}: the reply is empty (finish reason ${reason})`, {
      model: name,
      raw: JSON.stringify(content),
    });
  return {
    content: text,
    model: name,
    finishReason: FINISH_REASONS[reason] ?? reason,
    ...(input === undefined || output === undefined ? {} : { usage: { prompt_tokens: input, completion_tokens: output } }),
    ...(response?.modelId === undefined ? {} : { servedModel: response.modelId }),
  };
}

function tokens(count: AiSdkTokens): number | undefined {
  return typeof count === "object" ? count.total : count;
}

/** The SDK's `APICallError` carries status, headers and body; everything else is a failure of the connection. */
function sdkError(name: string, cause: unknown): RequestError {
  const { statusCode, responseHeaders, responseBody } = (cause ?? {}) as {
    statusCode?: number;
    responseHeaders?: Record<string, string>;
    responseBody?: string;
  };
  if (cause instanceof RequestError || typeof statusCode !== "number") return transportError(name, cause);
  const details = {
    model: name,
    status: statusCode,
    retryAfterMs: retryAfterMs((header) => responseHeaders?.[header], Date.now()),
    raw: responseBody,
    cause,
  };
  return new RequestError(
    classify(statusCode, providerError(parsed(responseBody))),
    `${name}: HTTP ${statusCode}: ${cause instanceof Error ? cause.message : ""}`,
    details,
  );
}

function parsed(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? "");
  } catch {
    return undefined;
  }
}
