import type { Message, Usage } from "@zephyr/data";
import { RequestError } from "../client/errors.ts";
import type { ServerSentEvent } from "../client/sse.ts";
import type { Transport } from "../client/transport.ts";
import type { JsonSchema, Model, ModelDefaults, ModelLimits, ModelOptions, Price } from "../model.ts";
import { httpModel, type ParsedReply, type Wire } from "./http-model.ts";
import { type StructuredOutput, structuredOutput } from "./structured-output.ts";

export interface OpenaiCompatibleOptions extends ModelLimits, ModelDefaults {
  /** The part of the URL before `/chat/completions`, for example `https://api.openai.com/v1`. */
  baseUrl: string;
  /** The provider's name of the model. */
  model: string;
  /** The name in our rows; default: `model`. */
  name?: string | undefined;
  apiKey?: string | undefined;
  /** Asks for server-sent events; the completion is still returned whole. */
  stream?: boolean | undefined;
  price?: Price | undefined;
  /** Whether JSON schemas are sent; left out, they are tried once. */
  structuredOutput?: boolean | undefined;
  /** Added to every request. */
  headers?: Record<string, string> | undefined;
  transport?: Transport | undefined;
  /** Silence on a stream that counts as a failure. Default 60. */
  idleTimeoutSeconds?: number | undefined;
}

/**
 * A model behind an OpenAI-compatible chat API: OpenAI, Azure, vLLM, SGLang, Ollama, llama.cpp, OpenRouter, `zephyr serve`.
 * Throws a TypeError when the URL is none or holds a password.
 *
 * @example
 * const model = openaiCompatible({ baseUrl: "http://127.0.0.1:8000/v1", model: "qwen2.5-7b", maxConcurrency: 64 });
 * const { content } = await model([{ role: "user", content: "Hello" }]);
 */
export function openaiCompatible(options: OpenaiCompatibleOptions): Model {
  const { baseUrl, model, name = model, apiKey, stream = false, headers = {}, transport } = options;
  const url = endpoint(baseUrl);
  const isAzure = /\.azure\.com$/.test(url.hostname);
  const auth: Record<string, string> =
    apiKey === undefined ? {} : isAzure ? { "api-key": apiKey } : { authorization: `Bearer ${apiKey}` };
  const allHeaders = {
    "content-type": "application/json",
    accept: stream ? "text/event-stream" : "application/json",
    ...auth,
    ...headers,
  };
  const structured = structuredOutput(
    options.structuredOutput ?? (/^(api\.openai\.com|.*\.azure\.com)$/.test(url.hostname) ? "known" : undefined),
  );
  const tokensField = {
    name: /^(o\d|gpt-5)/.test(model) && url.hostname === "api.openai.com" ? "max_completion_tokens" : "max_tokens",
  };
  const wire = openaiWire(url.href, allHeaders, model, stream, structured, tokensField);
  return httpModel({
    ...options,
    name,
    id: `openai:${model}`,
    wire,
    stream,
    secrets: apiKey === undefined ? [] : [apiKey],
    transport,
    ...(options.idleTimeoutSeconds === undefined ? {} : { idleMs: options.idleTimeoutSeconds * 1000 }),
    adapt: (error, callOptions) => adaptTo(error, callOptions, structured, tokensField),
    aroundAttempt: structured.aroundAttempt,
  });
}

function endpoint(baseUrl: string): URL {
  if (!URL.canParse(baseUrl))
    throw new TypeError(
      `openaiCompatible: base URL ${JSON.stringify(baseUrl)} is no URL; give one such as "http://127.0.0.1:8000/v1"`,
    );
  const url = new URL(baseUrl);
  if (url.username !== "" || url.password !== "")
    throw new TypeError("openaiCompatible: the base URL holds a user or password; pass apiKey instead");
  if (!/\/chat\/completions\/?$/.test(url.pathname)) url.pathname = `${url.pathname.replace(/\/+$/, "")}/chat/completions`;
  return url;
}

function openaiWire(
  url: string,
  headers: Record<string, string>,
  model: string,
  stream: boolean,
  structured: StructuredOutput,
  tokensField: { name: string },
): Wire {
  return {
    request(messages, options) {
      const schema = structured.isOn() ? options.responseSchema : undefined;
      const body = chatBody(model, messages, options, tokensField.name, schema);
      return {
        url,
        headers,
        body: JSON.stringify(stream ? { ...body, stream: true, stream_options: { include_usage: true } } : body),
      };
    },
    parse: parseReply,
    collect: collectStream,
  };
}

/** The body of a chat completions request. */
export function chatBody(
  model: string,
  messages: Message[],
  { maxTokens, temperature, topP, topK, stop, seed }: ModelOptions & { maxTokens: number },
  tokensField: string,
  schema: JsonSchema | undefined,
): Record<string, unknown> {
  const body = { model, messages, [tokensField]: maxTokens, temperature, top_p: topP, top_k: topK, stop, seed };
  return schema === undefined ? body : { ...body, response_format: jsonSchemaFormat(schema) };
}

function jsonSchemaFormat(schema: Record<string, unknown>): Record<string, unknown> {
  return { type: "json_schema", json_schema: { name: "reply", strict: true, schema } };
}

/** What may be refused by a server that is compatible only in part, and can be said otherwise. */
function adaptTo<O extends ModelOptions>(
  error: RequestError,
  options: O,
  structured: StructuredOutput,
  tokensField: { name: string },
): O | undefined {
  if (error.kind !== "bad_request" || error.status === undefined || error.status === 200) return undefined;
  if (tokensField.name === "max_tokens" && /max_completion_tokens/.test(error.raw ?? "")) {
    tokensField.name = "max_completion_tokens";
    return options;
  }
  if (options.responseSchema !== undefined && structured.isOn()) {
    structured.drop();
    return options;
  }
  return undefined;
}

interface Choice {
  message?: { content?: unknown; refusal?: unknown };
  delta?: { content?: unknown; refusal?: unknown };
  text?: unknown;
  finish_reason?: unknown;
}

interface ChatReply {
  choices?: Choice[];
  usage?: Usage | null;
  model?: unknown;
  system_fingerprint?: unknown;
}

/** Reads a chat completions reply (also one out of a batch). */
export function parseReply(reply: unknown): ParsedReply {
  if (typeof reply !== "object" || reply === null || !Array.isArray((reply as ChatReply).choices)) {
    throw new RequestError("malformed", "the reply holds no choices; is the base URL that of an OpenAI-compatible API?", {
      raw: JSON.stringify(reply),
    });
  }
  const { choices, ...rest } = reply as ChatReply;
  const choice = choices?.[0];
  return {
    content: contentText(choice?.message?.content ?? choice?.text),
    finishReason: textOrUndefined(choice?.finish_reason),
    refusal: textOrUndefined(choice?.message?.refusal),
    ...metadata(rest),
  };
}

/** Adds up the deltas; complete only with a finish reason and the closing `[DONE]`. */
async function collectStream(events: AsyncIterable<ServerSentEvent>): Promise<ParsedReply | undefined> {
  let content = "";
  let refusal = "";
  let finishReason: string | undefined;
  let isDone = false;
  let meta: Partial<ParsedReply> = {};
  for await (const { data } of events) {
    if (data.trim() === "[DONE]") {
      isDone = true;
      break;
    }
    const chunk = JSON.parse(data) as ChatReply;
    meta = { ...meta, ...metadata(chunk) };
    const choice = chunk.choices?.[0];
    content += contentText(choice?.delta?.content);
    refusal += textOrUndefined(choice?.delta?.refusal) ?? "";
    finishReason = textOrUndefined(choice?.finish_reason) ?? finishReason;
  }
  return isDone && finishReason !== undefined ? { ...meta, content, refusal, finishReason } : undefined;
}

function metadata({ usage, model, system_fingerprint }: ChatReply): Partial<ParsedReply> {
  return {
    ...(usage ? { usage: { prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens } } : {}),
    ...(typeof model === "string" ? { servedModel: model } : {}),
    ...(typeof system_fingerprint === "string" ? { systemFingerprint: system_fingerprint } : {}),
  };
}

/** A message's content is a string, or a list of parts of which those of type text count. */
function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (typeof part?.text === "string" ? part.text : "")).join("");
}

function textOrUndefined(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
