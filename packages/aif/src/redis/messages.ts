import type { Message, Usage } from "@zephyr/data";
import { type ErrorKind, isErrorKind, policyOf, RequestError } from "../client/errors.ts";
import type { JsonSchema, ModelCompletion, ModelOptions } from "../model.ts";

// What coordinator and workers write to each other, as JSON. Redis is shared, so both sides read it as untrusted.

/** A request as a worker gets it. */
export interface RequestText {
  messages: Message[];
  options: ModelOptions;
}

export function encodeRequest(messages: Message[], options: ModelOptions): string {
  const { maxTokens, temperature, topP, responseSchema } = options;
  return JSON.stringify({ messages, options: { maxTokens, temperature, topP, responseSchema } });
}

/** Throws a TypeError for what is no request. */
export function decodeRequest(text: string): RequestText {
  const { messages, options = {} } = JSON.parse(text) as Record<string, unknown> & { options?: Record<string, unknown> };
  const isGood =
    Array.isArray(messages) &&
    messages.length > 0 &&
    messages.every((message) => typeof message?.role === "string" && typeof message.content === "string");
  if (!isGood) throw new TypeError("decodeRequest: no messages {role, content}");
  const { maxTokens, temperature, topP, responseSchema } = options;
  return {
    messages: messages as Message[],
    options: {
      ...(typeof maxTokens === "number" ? { maxTokens } : {}),
      ...(typeof temperature === "number" ? { temperature } : {}),
      ...(typeof topP === "number" ? { topP } : {}),
      ...(typeof responseSchema === "object" && responseSchema !== null ? { responseSchema: responseSchema as JsonSchema } : {}),
    },
  };
}

/** A completion or an error, and the how manieth worker it was that took the request up. */
export type Outcome = { takes: number } & ({ completion: ModelCompletion } | { error: RequestError });

/** Whether the outcome would be the same if asked again, so that it may be used by a later run. */
export function isFinal(outcome: Outcome): boolean {
  return "completion" in outcome || policyOf(outcome.error.kind).answered;
}

export function encodeOutcome(outcome: Outcome): string {
  if ("completion" in outcome) return JSON.stringify(outcome);
  const { kind, message, model, status, raw, usage } = outcome.error;
  return JSON.stringify({ takes: outcome.takes, error: { kind, message, model, status, raw, usage } });
}

/** Throws a TypeError for what no worker wrote. */
export function decodeOutcome(text: string): Outcome {
  const value = JSON.parse(text) as {
    takes?: unknown;
    completion?: Partial<ModelCompletion>;
    error?: { kind?: unknown; message?: unknown } & ErrorFields;
  };
  const takes = typeof value.takes === "number" ? value.takes : 1;
  const { completion, error } = value;
  if (typeof completion?.content === "string" && typeof completion.finishReason === "string")
    return { takes, completion: completion as ModelCompletion };
  if (error !== undefined && isErrorKind(error.kind))
    return { takes, error: new RequestError(error.kind as ErrorKind, String(error.message), error) };
  throw new TypeError(`decodeOutcome: neither a completion nor an error: ${text.slice(0, 200)}`);
}

interface ErrorFields {
  model?: string;
  status?: number;
  raw?: string;
  usage?: Usage;
}
