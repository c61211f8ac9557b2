import { type Asker, type ErrorKind, fromGenerate, type Model, RequestError } from "@zephyr/aif";
import type { Generate } from "@zephyr/data";
import type { CompletionWithLogprobs } from "../alpaca-eval/annotate.ts";
import { topLogprobsOf } from "../alpaca-eval/annotator-replies.ts";
import { journaledJudge } from "./journaled-judge.ts";

export interface LogprobsModelOptions {
  name: string;
  /** Address of an OpenAI-compatible API up to and with `/v1`. */
  baseUrl: string;
  model: string;
  apiKey?: string | undefined;
  /** Limits and price, as of any model of `@zephyr/aif`. */
  limits?: Parameters<typeof fromGenerate>[2];
}

const ALTERNATIVES = 5;
/** As for any other model. */
const TIMEOUT_SECONDS = 300;

/**
 * A chat model whose answers are the log-probabilities of their first token, as JSON text, so that a journal keeps them; read
 * them through `logprobsJudge`. Refusals, limits and retries are those of `@zephyr/aif`.
 *
 * @example
 * const model = logprobsModel({ name: "judge", baseUrl: "http://127.0.0.1:8000/v1", model: "zephyr" });
 */
export function logprobsModel({ name, baseUrl, model, apiKey, limits = {} }: LogprobsModelOptions): Model {
  const url = `${baseUrl.replace(/\/$/, "")}/chat/completions`;
  const fail = (kind: ErrorKind, message: string, details: { status?: number; retryAfterMs?: number; cause?: unknown } = {}) =>
    new RequestError(kind, `logprobsModel: ${url} ${withoutKey(message, apiKey)}`, { model: name, ...details });
  const generate: Generate = async (messages, { maxTokens, temperature, topP, signal } = {}) => {
    const body = { model, messages, max_tokens: maxTokens, temperature, top_p: topP, logprobs: true, top_logprobs: ALTERNATIVES };
    const headers = { "content-type": "application/json", ...(apiKey && { authorization: `Bearer ${apiKey}` }) };
    const limit = AbortSignal.timeout(1000 * (limits.timeoutSeconds ?? TIMEOUT_SECONDS));
    const { response, text } = await post(url, body, headers, signal ? AbortSignal.any([signal, limit]) : limit).catch(
      (cause: Error) => {
        signal?.throwIfAborted();
        throw fail(limit.aborted ? "timeout" : "connection", `cannot be reached (${cause.message}); is the server up?`, {
          cause,
        });
      },
    );
    if (!response.ok) {
      const details = { status: response.status, ...retryAfter(response.headers.get("retry-after")) };
      throw fail(kindOf(response.status, text), `answered ${response.status}: ${text.slice(0, 200)}`, details);
    }
    const reply = parse(text);
    if (!reply) throw fail("malformed", `sent no JSON: ${text.slice(0, 80)}`);
    const { choices, usage, model: served = model } = reply;
    const logprobs = choices?.[0]?.logprobs;
    if (!topLogprobsOf({ logprobs }))
      throw fail("not_found", 'returned no top log-probabilities; use a judge that has them, or a "ranking" judge');
    const content = JSON.stringify({ logprobs });
    return { content, model: served, finishReason: choices?.[0]?.finish_reason ?? "stop", ...(usage && { usage }) };
  };
  // The name tells two models apart in the journal.
  return fromGenerate(name === model ? name : `${name} (${model})`, generate, limits);
}

/** A `logprobsModel` behind journal and budget, as the judge of `annotate({ kind: "logprobs" })`. */
export function logprobsJudge(asker: Pick<Asker, "ask">, model: Model): Generate {
  const judge = journaledJudge(asker, model);
  return async (messages, options) => {
    const completion = await judge(messages, options);
    const { logprobs } = JSON.parse(completion.content) as { logprobs: { content: { token: string }[] } };
    const answer: CompletionWithLogprobs = { ...completion, content: logprobs.content[0]?.token ?? "", logprobs };
    return answer;
  };
}

async function post(url: string, body: object, headers: Record<string, string>, signal: AbortSignal) {
  // A redirect would carry the key elsewhere.
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), redirect: "error", signal });
  return { response, text: await response.text() };
}

interface Reply {
  model?: string;
  choices?: { finish_reason?: string; logprobs?: unknown }[];
  usage?: { prompt_tokens: number; completion_tokens: number };
}

function parse(text: string): Reply | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Reply) : undefined;
  } catch {
    return undefined;
  }
}

function kindOf(status: number, text: string): ErrorKind {
  if (status === 401 || status === 403) return "auth";
  if (status === 404) return "not_found";
  if (status === 402 || /insufficient_quota/.test(text)) return "quota";
  if (status === 429) return "rate_limited";
  if (status === 408) return "timeout";
  return status >= 500 ? "server" : "bad_request";
}

/** Only seconds: a date is rare, and the model's own back-off does for it. */
function retryAfter(header: string | null): { retryAfterMs?: number } {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: 1000 * seconds } : {};
}

const withoutKey = (text: string, key: string | undefined): string => (key ? text.replaceAll(key, "[key]") : text);
