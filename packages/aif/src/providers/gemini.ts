import type { Message } from "@zephyr/data";
import { RequestError } from "../client/errors.ts";
import type { ServerSentEvent } from "../client/sse.ts";
import type { Transport } from "../client/transport.ts";
import type { JsonSchema, Model, ModelDefaults, ModelLimits, Price } from "../model.ts";
import { httpModel, type ParsedReply, type Wire } from "./http-model.ts";

export interface GeminiOptions extends ModelLimits, ModelDefaults {
  model: string;
  apiKey?: string | undefined;
  /** Default `https://generativelanguage.googleapis.com/v1beta`. */
  baseUrl?: string | undefined;
  name?: string | undefined;
  stream?: boolean | undefined;
  price?: Price | undefined;
  structuredOutput?: boolean | undefined;
  transport?: Transport | undefined;
}

/**
 * A model behind Google's Gemini API. The key goes into a header, never into the URL.
 *
 * @example const model = gemini({ model: "gemini-2.5-flash", apiKey });
 */
export function gemini(options: GeminiOptions): Model {
  const {
    model,
    name = model,
    apiKey,
    baseUrl = "https://generativelanguage.googleapis.com/v1beta",
    stream = false,
    structuredOutput = true,
    transport,
  } = options;
  const method = stream ? "streamGenerateContent?alt=sse" : "generateContent";
  const url = `${baseUrl.replace(/\/+$/, "")}/models/${encodeURIComponent(model)}:${method}`;
  if (!URL.canParse(url)) throw new TypeError(`gemini: base URL ${JSON.stringify(baseUrl)} is no URL`);
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (apiKey !== undefined) headers["x-goog-api-key"] = apiKey;
  const wire: Wire = {
    request(messages, { maxTokens, temperature, topP, topK, stop, seed, responseSchema }) {
      const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
      const schema =
        responseSchema !== undefined && structuredOutput
          ? { responseMimeType: "application/json", responseSchema: geminiSchema(responseSchema) }
          : {};
      const body = {
        contents: messages.filter(({ role }) => role !== "system").map(asContent),
        ...(system.length === 0 ? {} : { systemInstruction: { parts: [{ text: system.join("\n\n") }] } }),
        generationConfig: { maxOutputTokens: maxTokens, temperature, topP, topK, stopSequences: stop, seed, ...schema },
      };
      return { url, headers, body: JSON.stringify(body) };
    },
    parse: parseReply,
    collect: collectStream,
  };
  return httpModel({
    ...options,
    name,
    id: `gemini:${model}`,
    wire,
    stream,
    secrets: apiKey === undefined ? [] : [apiKey],
    transport,
  });
}

function asContent({ role, content }: Message): unknown {
  return { role: role === "assistant" ? "model" : "user", parts: [{ text: content }] };
}

/** Gemini's subset of JSON Schema has no `additionalProperties`, and enums of strings only. */
function geminiSchema(schema: JsonSchema): JsonSchema {
  const entries = Object.entries(schema).filter(
    ([key, value]) => key !== "additionalProperties" && !(key === "enum" && typeof (value as unknown[])[0] === "number"),
  );
  return Object.fromEntries(entries.map(([key, value]) => [key, isSchema(value) ? geminiSchema(value) : value]));
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

interface GeminiReply {
  candidates?: { content?: { parts?: { text?: string; thought?: boolean }[] }; finishReason?: string }[];
  promptFeedback?: { blockReason?: string };
  usageMetadata?: { promptTokenCount?: number; candidatesTokenCount?: number; thoughtsTokenCount?: number };
  modelVersion?: string;
}

const BLOCKED = /^(SAFETY|RECITATION|BLOCKLIST|PROHIBITED_CONTENT|SPII|IMAGE_SAFETY|LANGUAGE)$/;

function parseReply(reply: unknown): ParsedReply {
  const { candidates, promptFeedback, usageMetadata, modelVersion } = (reply ?? {}) as GeminiReply;
  if (promptFeedback?.blockReason !== undefined) return { content: "", finishReason: "content_filter" };
  if (!Array.isArray(candidates))
    throw new RequestError("malformed", "the reply holds no candidates; is the base URL that of the Gemini API?", {
      raw: JSON.stringify(reply),
    });
  const parts = candidates[0]?.content?.parts ?? [];
  const input = usageMetadata?.promptTokenCount;
  const output = usageMetadata?.candidatesTokenCount;
  return {
    content: parts
      .filter(({ thought }) => thought !== true)
      .map(({ text = "" }) => text)
      .join(""),
    finishReason: finishReason(candidates[0]?.finishReason),
    ...(input === undefined || output === undefined
      ? {}
      : { usage: { prompt_tokens: input, completion_tokens: output + (usageMetadata?.thoughtsTokenCount ?? 0) } }),
    ...(modelVersion === undefined ? {} : { servedModel: modelVersion }),
  };
}

function finishReason(reason: string | undefined): string | undefined {
  if (reason === undefined) return undefined;
  if (reason === "STOP") return "stop";
  if (reason === "MAX_TOKENS") return "length";
  return BLOCKED.test(reason) ? "content_filter" : reason.toLowerCase();
}

/** Every event is a reply of its own with the next piece of text; the last one says why it ended. */
async function collectStream(events: AsyncIterable<ServerSentEvent>): Promise<ParsedReply | undefined> {
  let whole: ParsedReply = { content: "", finishReason: undefined };
  for await (const { data } of events) {
    const piece = parseReply(JSON.parse(data));
    whole = {
      ...whole,
      ...piece,
      content: whole.content + piece.content,
      finishReason: piece.finishReason ?? whole.finishReason,
    };
  }
  return whole.finishReason === undefined ? undefined : whole;
}
