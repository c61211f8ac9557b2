import { type Completion, type GenerateOptions, type Message, randomFor } from "@zephyr/data";
import { isRequestError, policyOf, RequestError } from "./client/errors.ts";
import { createGate, type Ticket } from "./client/gate.ts";
import type { Turnstile } from "./client/turnstile.ts";
import { attemptSpan, tracingReady } from "./telemetry.ts";
import { estimatePromptTokens } from "./token-estimate.ts";

/** US dollars per million tokens. */
export interface Price {
  inputPerMillion: number;
  outputPerMillion: number;
}

/** How fast, how long and how often one model is asked. */
export interface ModelLimits {
  /** Requests in flight at most; fewer while the provider refuses some. Default 32. */
  maxConcurrency?: number | undefined;
  /** Spread evenly, at most half a second's burst. */
  requestsPerMinute?: number | undefined;
  /** Prompt and completion tokens together. */
  tokensPerMinute?: number | undefined;
  /** Bounds one attempt, its body included. Default 300. */
  timeoutSeconds?: number | undefined;
  /** Attempts after the first one; refusals with 429 do not count. Default 8. */
  maxRetries?: number | undefined;
  /** How long a model that answers nothing is waited for. Default 600. */
  maxWaitSeconds?: number | undefined;
  /** Keeps the limits per minute, and pauses that the provider asks for, for several processes together. */
  turnstile?: Turnstile | undefined;
}

/** Sampling that a model uses unless a call says otherwise. */
export interface ModelDefaults {
  /** Tokens of one completion at most. Default 1024. */
  maxTokens?: number | undefined;
  temperature?: number | undefined;
  topP?: number | undefined;
}

/** A JSON Schema, as the providers' structured output takes it. */
export type JsonSchema = { [key: string]: unknown };

/** What a call may add to the sampling options. */
export interface ModelOptions extends GenerateOptions {
  /** The reply should be JSON of this schema, where the provider can do that. */
  responseSchema?: JsonSchema;
  /** Aborting it cancels what has not been sent yet; `signal` also cuts what is on the wire. */
  drain?: AbortSignal;
  /** The request's content as a sha256 in hex: what it is known by where several processes work together. */
  requestKey?: string;
}

/** A completion with what the provider said about itself. */
export interface ModelCompletion extends Completion {
  /** The provider's own name of the model that answered. */
  servedModel?: string;
  systemFingerprint?: string;
  warnings?: string[];
}

export interface ModelInfo {
  readonly name: string;
  /** Provider and model, part of every request's key. */
  readonly id: string;
  readonly limits: { maxConcurrency: number; maxWaitMs: number };
  readonly defaults: { maxTokens: number; temperature?: number; topP?: number };
  readonly price?: Price | undefined;
  /** Lets requests through again after the model was given up. */
  reopen(): void;
  inFlight(): number;
  pausedMs(): number;
}

/** A `Generate` that keeps its own limits and retries; every call gives a completion or throws a `RequestError`. */
export type Model = ((messages: Message[], options?: ModelOptions) => Promise<ModelCompletion>) & ModelInfo;

/** One attempt at one request: no retries, no waiting. */
export type Attempt = (
  messages: Message[],
  options: ModelOptions & { maxTokens: number },
  timeoutMs: number,
) => Promise<ModelCompletion>;

export interface LimitedModelOptions extends ModelLimits, ModelDefaults {
  name: string;
  id: string;
  price?: Price | undefined;
  attempt: Attempt;
}

const BACKOFF_BASE_MS = 500;
const BACKOFF_CAP_MS = 30_000;

/**
 * Puts limits and retries around single attempts: full-jitter back-off, pauses that the provider asks for, rate and
 * concurrency limits, and an end after `maxWaitSeconds` without a success.
 */
export function limitedModel(options: LimitedModelOptions): Model {
  const { name, id, attempt, price, maxConcurrency = 32, maxRetries = 8, timeoutSeconds = 300, maxWaitSeconds = 600 } = options;
  checkPositive(name, { maxConcurrency, timeoutSeconds, maxWaitSeconds });
  const { temperature, topP, turnstile, tokensPerMinute } = options;
  const random = randomFor(0, `backoff of ${name}`);
  const maxWaitMs = maxWaitSeconds * 1000;
  const own = turnstile === undefined ? { requestsPerMinute: options.requestsPerMinute, tokensPerMinute } : {};
  const gate = createGate({ name, maxConcurrency, ...own, maxWaitMs, random });
  const defaults = {
    maxTokens: options.maxTokens ?? 1024,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
  };
  let usualOutput = defaults.maxTokens;

  async function admitted(request: ModelOptions, tokens: number, delayMs: number, shared: Turnstile): Promise<Ticket> {
    const ticket = await gate.enter(request, tokens, delayMs, request.drain);
    await shared.enter(tokens, request.drain).catch((error) => {
      ticket.failed(error);
      throw error;
    });
    return {
      succeeded(usedTokens) {
        ticket.succeeded(usedTokens);
        shared.settle(tokens, usedTokens);
      },
      failed(error) {
        ticket.failed(error);
        shared.settle(tokens, 0);
        if (gate.pausedMs() > 0) shared.pause(gate.pausedMs());
      },
    };
  }

  async function generate(messages: Message[], callOptions: ModelOptions = {}): Promise<ModelCompletion> {
    const request = { ...defaults, ...callOptions };
    const promptTokens = tokensPerMinute === undefined ? 0 : estimatePromptTokens(messages);
    const tracing = tracingReady();
    if (tracing !== undefined) await tracing;
    let attempts = 0;
    for (let tries = 0, delayMs = 0; ; tries++) {
      const tokens = promptTokens + usualOutput;
      const ticket = await (turnstile === undefined
        ? gate.enter(request, tokens, delayMs, callOptions.drain)
        : admitted(request, tokens, delayMs, turnstile));
      const span = attemptSpan(options, request, tries + 1);
      try {
        const completion = await attempt(messages, request, timeoutSeconds * 1000);
        const { usage } = completion;
        span?.answered(completion);
        if (usage !== undefined) usualOutput += (usage.completion_tokens - usualOutput) / 16;
        ticket.succeeded(usage === undefined ? promptTokens + usualOutput : usage.prompt_tokens + usage.completion_tokens);
        return completion;
      } catch (cause) {
        const error = isRequestError(cause)
          ? cause
          : new RequestError("bad_request", `${name}: ${messageOf(cause)}`, { model: name, cause });
        span?.failed(error);
        ticket.failed(error);
        const { retry, countsAttempt } = policyOf(error.kind);
        if (countsAttempt) attempts++;
        if (!retry || callOptions.signal?.aborted) throw error;
        if (attempts > maxRetries && !gate.isDown()) throw error;
        delayMs = countsAttempt ? random.next() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(tries, 10)) : 0;
      }
    }
  }

  const { reopen, inFlight, pausedMs } = gate;
  const info = { id, limits: { maxConcurrency, maxWaitMs }, defaults, price, reopen, inFlight, pausedMs };
  const model = Object.assign(generate, info);
  return Object.defineProperty(model, "name", { value: name });
}

function checkPositive(name: string, values: Record<string, number>): void {
  for (const [key, value] of Object.entries(values)) {
    if (!(value > 0)) throw new RangeError(`limitedModel: ${key} of model ${JSON.stringify(name)} is ${value}; must be above 0`);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
