import type { Message } from "@zephyr/data";
import { RequestError } from "../client/errors.ts";
import type { ServerSentEvent } from "../client/sse.ts";
import type { Transport } from "../client/transport.ts";
import type { Model, ModelDefaults, ModelLimits, ModelOptions, Price } from "../model.ts";
import { httpModel, type ParsedReply, type Wire } from "./http-model.ts";

export interface AnthropicOptions extends ModelLimits, ModelDefaults {
  model: string;
  apiKey?: string | undefined;
  /** Default `https://api.anthropic.com/v1`. */
  baseUrl?: string | undefined;
  name?: string | undefined;
  stream?: boolean | undefined;
  price?: Price | undefined;
  /** JSON schemas are sent as a tool that the model must call; default true. */
  structuredOutput?: boolean | undefined;
  transport?: Transport | undefined;
}

const API_VERSION = "2023-06-01";
const TOOL = "reply";

/**
 * A model behind Anthropic's Messages API.
 *
 * @example const judge = anthropic({ model: "claude-sonnet-4-5", apiKey, maxConcurrency: 8 });
 */
export function anthropic(options: AnthropicOptions): Model {
  const {
    model,
    name = model,
    apiKey,
    baseUrl = "https://api.anthropic.com/v1",
    stream = false,
    structuredOutput = true,
    transport,
  } = options;
  const url = `${baseUrl.replace(/\/+$/, "")}/messages`;
  if (!URL.canParse(url)) throw new TypeError(`anthropic: base URL ${JSON.stringify(baseUrl)} is no URL`);
  const headers = anthropicHeaders(apiKey);
  const wire: Wire = {
    request(messages, callOptions) {
      const body = messagesBody(model, messages, callOptions, structuredOutput);
      return { url, headers, body: JSON.stringify(stream ? { ...body, stream: true } : body) };
    },
    parse: parseReply,
    collect: collectStream,
  };
  return httpModel({
    ...options,
    name,
    id: `anthropic:${model}`,
    wire,
    stream,
    secrets: apiKey === undefined ? [] : [apiKey],
    transport,
  });
}

export function anthropicHeaders(apiKey: string | undefined): Record<string, string> {
  const headers = { "content-type": "application/json", "anthropic-version": API_VERSION };
  return apiKey === undefined ? headers : { ...headers, "x-api-key": apiKey };
}

/** The body of a Messages API request; a schema becomes a tool that must be called. */
export function messagesBody(
  model: string,
  messages: readonly Message[],
  { maxTokens, temperature, topP, topK, stop, responseSchema }: ModelOptions & { maxTokens: number },
  structuredOutput: boolean,
): Record<string, unknown> {
  const { system, turns } = splitSystem(messages);
  const body = {
    model,
    max_tokens: maxTokens,
    system: system === "" ? undefined : system,
    messages: turns,
    temperature,
    top_p: topP,
    top_k: topK,
    stop_sequences: stop,
  };
  if (responseSchema === undefined || !structuredOutput) return body;
  const tool = { name: TOOL, description: "Gives the reply.", input_schema: responseSchema };
  return { ...body, tools: [tool], tool_choice: { type: "tool", name: TOOL } };
}

/** System messages go into a field of their own. */
function splitSystem(messages: readonly Message[]): { system: string; turns: Message[] } {
  const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
  return { system: system.join("\n\n"), turns: messages.filter(({ role }) => role !== "system") };
}

interface Block {
  type?: string;
  text?: string;
  input?: unknown;
}

interface MessagesReply {
  content?: Block[];
  stop_reason?: string | null;
  usage?: { input_tokens?: number; output_tokens?: number };
  model?: string;
}

/** Reads a Messages API reply (also one out of a batch). */
export function parseReply(reply: unknown): ParsedReply {
  const { content, stop_reason, usage, model } = (reply ?? {}) as MessagesReply;
  if (!Array.isArray(content))
    throw new RequestError("malformed", "the reply holds no content; is the base URL that of the Messages API?", {
      raw: JSON.stringify(reply),
    });
  return finished(content, stop_reason ?? undefined, usage?.input_tokens, usage?.output_tokens, model);
}

async function collectStream(events: AsyncIterable<ServerSentEvent>): Promise<ParsedReply | undefined> {
  const blocks: { block: Block; json: string }[] = [];
  let start: MessagesReply = {};
  let stopReason: string | undefined;
  let outputTokens: number | undefined;
  for await (const { data } of events) {
    const event = JSON.parse(data);
    if (event.type === "message_start") start = event.message ?? {};
    else if (event.type === "content_block_start") blocks[event.index] = { block: event.content_block ?? {}, json: "" };
    else if (event.type === "content_block_delta") addDelta(blocks[event.index], event.delta);
    else if (event.type === "message_delta") {
      stopReason = event.delta?.stop_reason ?? stopReason;
      outputTokens = event.usage?.output_tokens ?? outputTokens;
    } else if (event.type === "message_stop") {
      if (stopReason === undefined) return undefined;
      const content = blocks.map(({ block, json }) => (json === "" ? block : { ...block, input: JSON.parse(json) }));
      return finished(content, stopReason, start.usage?.input_tokens, outputTokens ?? start.usage?.output_tokens, start.model);
    }
  }
  return undefined;
}

function addDelta(
  target: { block: Block; json: string } | undefined,
  delta: { text?: string; partial_json?: string } | undefined,
): void {
  if (target === undefined) return;
  if (typeof delta?.text === "string") target.block = { ...target.block, text: (target.block.text ?? "") + delta.text };
  if (typeof delta?.partial_json === "string") target.json += delta.partial_json;
}

const FINISH_REASONS: Record<string, string> = {
  end_turn: "stop",
  stop_sequence: "stop",
  tool_use: "stop",
  max_tokens: "length",
  refusal: "refusal",
};

function finished(
  content: Block[],
  stopReason: string | undefined,
  input: number | undefined,
  output: number | undefined,
  model: string | undefined,
): ParsedReply {
  const text = content
    .map(({ type, text = "", input }) => (type === "text" ? text : type === "tool_use" ? JSON.stringify(input) : ""))
    .join("");
  const hasUsage = input !== undefined && output !== undefined;
  return {
    content: text,
    finishReason: stopReason === undefined ? undefined : (FINISH_REASONS[stopReason] ?? stopReason),
    ...(stopReason === "refusal" ? { refusal: text || "refused" } : {}),
    ...(hasUsage ? { usage: { prompt_tokens: input, completion_tokens: output } } : {}),
    ...(model === undefined ? {} : { servedModel: model }),
  };
}
