import type { Attributes, Span, Tracer } from "@opentelemetry/api";
import { costOf } from "./budget.ts";
import { isRequestError } from "./client/errors.ts";
import type { ModelCompletion, ModelOptions, Price } from "./model.ts";

/** One attempt at one request, as a span of the GenAI conventions of OpenTelemetry. It holds no text of prompt or reply. */
export interface AttemptSpan {
  answered(completion: ModelCompletion): void;
  failed(error: unknown): void;
}

/** What is said about every attempt of one model. */
export interface TracedModel {
  name: string;
  /** "PROVIDER:MODEL". */
  id: string;
  price?: Price | undefined;
}

const PROVIDERS: Record<string, string> = { gemini: "gcp.gemini" };
const KIND_CLIENT = 2;
const STATUS_ERROR = 2;

let tracer: Tracer | undefined;
let loading: Promise<void> | undefined;
let isLooked = false;

/**
 * Looks for `@opentelemetry/api`, once for the process: a promise while it does, then undefined. Without the package, and
 * without an SDK that the process has registered there, nothing is recorded.
 */
export function tracingReady(): Promise<void> | undefined {
  loading ??= findTracer();
  return isLooked ? undefined : loading;
}

async function findTracer(): Promise<void> {
  const api = await import("@opentelemetry/api").catch(() => undefined);
  tracer = api?.trace.getTracer("@zephyr/aif");
  isLooked = true;
}

/** Starts the span of an attempt at the moment of sending; undefined where nobody records. */
export function attemptSpan(model: TracedModel, options: ModelOptions, attempt: number): AttemptSpan | undefined {
  if (tracer === undefined) return undefined;
  const colon = model.id.indexOf(":");
  const [provider, served] = [model.id.slice(0, colon), model.id.slice(colon + 1)];
  const span = tracer.startSpan(`chat ${served}`, { kind: KIND_CLIENT });
  if (!span.isRecording()) {
    span.end();
    return undefined;
  }
  span.setAttributes(
    present({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": PROVIDERS[provider] ?? provider,
      "gen_ai.request.model": served,
      "gen_ai.request.max_tokens": options.maxTokens,
      "gen_ai.request.temperature": options.temperature,
      "gen_ai.request.top_p": options.topP,
      "zephyr.model": model.name,
      "zephyr.request_key": options.requestKey,
      "zephyr.attempt": attempt,
    }),
  );
  return { answered: (completion) => answered(span, completion, model.price), failed: (error) => failed(span, error) };
}

function answered(span: Span, { usage, finishReason, servedModel }: ModelCompletion, price: Price | undefined): void {
  span.setAttributes(
    present({
      "gen_ai.response.model": servedModel,
      "gen_ai.response.finish_reasons": [finishReason],
      "gen_ai.usage.input_tokens": usage?.prompt_tokens,
      "gen_ai.usage.output_tokens": usage?.completion_tokens,
      "zephyr.cost_usd": usage === undefined || price === undefined ? undefined : costOf(price, usage),
    }),
  );
  span.end();
}

/** The kind alone: a message may hold an excerpt of the reply. */
function failed(span: Span, error: unknown): void {
  const kind = isRequestError(error) ? error.kind : "bad_request";
  span.setAttributes(
    present({ "error.type": kind, "http.response.status_code": isRequestError(error) ? error.status : undefined }),
  );
  span.setStatus({ code: STATUS_ERROR, message: kind });
  span.end();
}

function present(attributes: Record<string, Attributes[string] | undefined>): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
