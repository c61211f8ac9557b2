import type { Message, Usage } from "@zephyr/data";
import { classify, classifyInBody, providerError, transportError } from "../client/classify.ts";
import { deadline, withIdleLimit } from "../client/deadline.ts";
import { RequestError, type RequestErrorDetails } from "../client/errors.ts";
import { redact } from "../client/redact.ts";
import { retryAfterMs } from "../client/retry-after.ts";
import { type ServerSentEvent, serverSentEvents } from "../client/sse.ts";
import { defaultTransport, type HttpReply, type HttpRequest, type Transport } from "../client/transport.ts";
import {
  type Attempt,
  type LimitedModelOptions,
  limitedModel,
  type Model,
  type ModelCompletion,
  type ModelOptions,
} from "../model.ts";

/** A reply, read by its provider's rules but not judged yet. */
export interface ParsedReply {
  content: string;
  finishReason: string | undefined;
  refusal?: string | undefined;
  usage?: Usage | undefined;
  servedModel?: string | undefined;
  systemFingerprint?: string | undefined;
}

/** How one provider's HTTP API is spoken: pure functions from our terms to its JSON and back. */
export interface Wire {
  request(messages: Message[], options: ModelOptions & { maxTokens: number }): HttpRequest;
  parse(reply: unknown): ParsedReply;
  /** Folds a stream's events into a reply; undefined when the stream ended before the reply did. */
  collect(events: AsyncIterable<ServerSentEvent>): Promise<ParsedReply | undefined>;
}

export interface HttpModelOptions extends Omit<LimitedModelOptions, "attempt" | "id"> {
  id: string;
  wire: Wire;
  stream: boolean;
  /** Strings that must never leave: the key. */
  secrets: string[];
  transport?: Transport | undefined;
  /** Silence on a stream that counts as a failure, in milliseconds. */
  idleMs?: number;
  /** Wraps an attempt that asks for JSON of a schema, for what the provider's first reply has to tell. */
  aroundAttempt?: (<T>(attempt: () => Promise<T>) => Promise<T>) | undefined;
  /** Retries a refused request in another form (without structured output), or undefined to let the refusal stand. */
  adapt?:
    | ((error: RequestError, options: ModelOptions & { maxTokens: number }) => (ModelOptions & { maxTokens: number }) | undefined)
    | undefined;
}

const EXCERPT_CHARACTERS = 200;
const LARGEST_USAGE = 100_000_000;

/** A model behind an HTTP API. */
export function httpModel(options: HttpModelOptions): Model {
  const attempt = httpAttempt(options);
  const { adapt, aroundAttempt } = options;
  const adapting: Attempt = async (messages, callOptions, timeoutMs) => {
    try {
      return await attempt(messages, callOptions, timeoutMs);
    } catch (error) {
      const adapted = error instanceof RequestError ? adapt?.(error, callOptions) : undefined;
      if (adapted === undefined) throw error;
      return attempt(messages, adapted, timeoutMs);
    }
  };
  const whole: Attempt =
    aroundAttempt === undefined
      ? adapting
      : (messages, callOptions, timeoutMs) =>
          callOptions.responseSchema === undefined
            ? adapting(messages, callOptions, timeoutMs)
            : aroundAttempt(() => adapting(messages, callOptions, timeoutMs));
  return limitedModel({ ...options, attempt: whole });
}

function httpAttempt({ name, wire, stream, secrets, transport, idleMs = 60_000 }: HttpModelOptions): Attempt {
  const fail = failWith(name, secrets);
  return async (messages, options, timeoutMs) => {
    const request = wire.request(messages, options);
    const sender = transport ?? (await defaultTransport());
    const limit = deadline(name, timeoutMs, options.signal);
    try {
      const reply = await sender.send(request, limit);
      if (reply.status !== 200) throw await refusal(reply, fail);
      const isStream = stream && !/json/i.test(reply.header("content-type") ?? "");
      const { parsed, raw, warnings } = isStream
        ? await readStream(reply, wire, idleMs, name, fail)
        : await readWhole(reply, wire, fail);
      return accept(parsed, raw, warnings, name, fail);
    } catch (cause) {
      throw withoutSecrets(transportError(name, limit.explain(cause)), secrets);
    } finally {
      limit.clear();
    }
  };
}

/** Makes errors of one model that show an excerpt of the reply and none of the secrets. */
function failWith(name: string, secrets: string[]): Fail {
  return (kind, reason, { raw, ...details } = {}) => {
    const shown = raw === undefined ? "" : `: ${JSON.stringify(redact(raw, secrets).slice(0, EXCERPT_CHARACTERS))}`;
    const message = redact(`${name}: ${reason}`, secrets) + shown;
    return new RequestError(kind, message, {
      model: name,
      raw: raw === undefined ? undefined : redact(raw, secrets),
      ...details,
    });
  };
}

/** Judges a parsed reply: a completion, or a "content_filter", "refusal" or "empty" error. */
export function acceptReply(parsed: ParsedReply, raw: string, name: string, secrets: string[]): ModelCompletion {
  return accept(parsed, raw, [], name, failWith(name, secrets));
}

type Fail = (kind: RequestError["kind"], reason: string, details?: RequestErrorDetails) => RequestError;
type Read = { parsed: ParsedReply; raw: string | undefined; warnings: string[] };

async function refusal(reply: HttpReply, fail: Fail): Promise<RequestError> {
  const raw = decode(await reply.bytes());
  const error = providerError(parseJson(raw));
  const wait = retryAfterMs(reply.header, Date.now()) ?? error?.retryAfterMs;
  const reason = `HTTP ${reply.status}${error === undefined ? "" : ` ${[error.type, error.code].filter(Boolean).join(" ")}`}`;
  return fail(classify(reply.status, error), reason, { status: reply.status, retryAfterMs: wait, raw });
}

async function readWhole(reply: HttpReply, wire: Wire, fail: Fail): Promise<Read> {
  const bytes = await reply.bytes();
  const raw = decode(bytes);
  const type = reply.header("content-type") ?? "";
  const json = parseJson(raw);
  if (json === undefined)
    throw fail("malformed", `a reply of ${bytes.length} bytes with content-type ${JSON.stringify(type)} is no JSON`, {
      status: 200,
      raw,
    });
  throwIfError(json, raw, reply, fail);
  const warnings = /json/i.test(type) ? [] : [`the reply is JSON but its content-type is ${JSON.stringify(type)}`];
  return { parsed: wire.parse(json), raw, warnings };
}

async function readStream(reply: HttpReply, wire: Wire, idleMs: number, name: string, fail: Fail): Promise<Read> {
  let first: string | undefined;
  async function* checked(): AsyncGenerator<ServerSentEvent> {
    for await (const event of serverSentEvents(withIdleLimit(name, reply.chunks, idleMs))) {
      first ??= event.data;
      const json = event.data.startsWith("{") ? parseJson(event.data) : undefined;
      if (event.event === "error" && json === undefined)
        throw fail("server", "the stream ended in an error", { status: 200, raw: event.data });
      throwIfError(json, event.data, reply, fail);
      yield event;
    }
  }
  const parsed = await wire.collect(checked());
  if (parsed === undefined)
    throw fail("malformed", "the stream ended before the reply was complete", { status: 200, raw: first ?? "" });
  return { parsed, raw: undefined, warnings: [] };
}

/** An error object can arrive under status 200, as a body or as an event. */
function throwIfError(json: unknown, raw: string, reply: HttpReply, fail: Fail): void {
  const error = json === undefined ? undefined : providerError(json);
  if (error === undefined) return;
  const wait = retryAfterMs(reply.header, Date.now()) ?? error.retryAfterMs;
  throw fail(classifyInBody(error), `an error under HTTP 200 ${[error.type, error.code].filter(Boolean).join(" ")}`, {
    status: 200,
    retryAfterMs: wait,
    raw,
  });
}

function accept(parsed: ParsedReply, raw: string | undefined, warnings: string[], name: string, fail: Fail): ModelCompletion {
  const { content, finishReason, refusal: refused, servedModel, systemFingerprint } = parsed;
  const usage = plausibleUsage(parsed.usage);
  const details = { status: 200, raw: raw ?? content, usage };
  if (finishReason === "content_filter") throw fail("content_filter", "the provider filtered the reply", details);
  if (refused) throw fail("refusal", "the model refused", { ...details, raw: refused });
  if (content.trim() === "") throw fail("empty", `the reply is empty (finish_reason ${finishReason ?? "missing"})`, details);
  return {
    content,
    model: name,
    finishReason: finishReason ?? "unknown",
    ...(usage === undefined ? {} : { usage }),
    ...(servedModel === undefined ? {} : { servedModel }),
    ...(systemFingerprint === undefined ? {} : { systemFingerprint }),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

function plausibleUsage(usage: Usage | undefined): Usage | undefined {
  if (usage === undefined) return undefined;
  const counts = [usage.prompt_tokens, usage.completion_tokens];
  return counts.every((count) => Number.isInteger(count) && count >= 0 && count < LARGEST_USAGE) ? usage : undefined;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new RequestError("malformed", `the reply of ${bytes.length} bytes is no UTF-8`, {
      cause,
      raw: Buffer.from(bytes).toString("latin1").slice(0, 1000),
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function withoutSecrets(error: RequestError, secrets: string[]): RequestError {
  const message = redact(error.message, secrets);
  if (message === error.message) return error;
  return new RequestError(error.kind, message, {
    ...error,
    raw: error.raw === undefined ? undefined : redact(error.raw, secrets),
  });
}
