import type { ScoreResult, TextRequest, TextScore } from "./score.ts";

export interface CompletionsScoreOptions {
  /** Address of an OpenAI-compatible API up to and with `/v1`. */
  baseUrl: string;
  model: string;
  apiKey?: string;
  /** Requests on the wire at once, 8 unless told. */
  concurrency?: number;
  /** Attempts after the first at 429, 5xx and lost connections, 4 unless told. */
  maxRetries?: number;
  signal?: AbortSignal;
}

interface EchoedLogprobs {
  token_logprobs: (number | null)[];
  text_offset: number[];
  tokens: string[];
  top_logprobs?: (Record<string, number> | null)[];
}

/**
 * A text model behind an OpenAI-compatible completions API that can echo the prompt's log-probabilities (vLLM, SGLang).
 * Throws, naming the address and the reply, when it cannot or keeps failing.
 *
 * @example
 * const score = completionsScore({ baseUrl: "http://127.0.0.1:8000/v1", model: "zephyr" });
 */
export function completionsScore(options: CompletionsScoreOptions): TextScore {
  return async (requests) => {
    const results: ScoreResult[] = new Array(requests.length);
    let next = 0;
    const work = async () => {
      while (next < requests.length) {
        const at = next++;
        results[at] = await scoreOne(requests[at]!, options);
      }
    };
    await Promise.all(Array.from({ length: Math.min(options.concurrency ?? 8, requests.length) }, work));
    return results;
  };
}

async function scoreOne({ context, continuation }: TextRequest, options: CompletionsScoreOptions): Promise<ScoreResult> {
  const start = [...context.trimEnd()].length;
  const text = context + continuation;
  const end = [...text].length;
  const logprobs = await echo(text, options);
  let logLikelihood = 0;
  let isGreedy = true;
  let counted = 0;
  logprobs.text_offset.forEach((offset, i) => {
    const value = logprobs.token_logprobs[i];
    // The generated token that max_tokens demands stands behind the prompt.
    if (offset < start || offset >= end || typeof value !== "number") return;
    logLikelihood += value;
    counted++;
    const best = Math.max(...Object.values(logprobs.top_logprobs?.[i] ?? {}));
    if (best > value) isGreedy = false;
  });
  if (counted === 0)
    throw new Error(
      `completionsScore: ${options.baseUrl} echoed no token of the continuation "${continuation.slice(0, 40)}"; use a server that echoes prompt log-probabilities`,
    );
  return { logLikelihood, isGreedy };
}

async function echo(prompt: string, options: CompletionsScoreOptions): Promise<EchoedLogprobs> {
  const { baseUrl, model, apiKey, maxRetries = 4, signal } = options;
  const url = `${baseUrl.replace(/\/$/, "")}/completions`;
  const body = JSON.stringify({ model, prompt, max_tokens: 1, temperature: 0, echo: true, logprobs: 1 });
  const headers = { "content-type": "application/json", ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }) };
  for (let attempt = 0; ; attempt++) {
    const last = attempt >= maxRetries;
    const response = await fetch(url, { method: "POST", headers, body, ...(signal ? { signal } : {}) }).catch((cause: Error) => {
      signal?.throwIfAborted();
      if (last) throw new Error(`completionsScore: ${url} cannot be reached (${cause.message}); is the server up?`, { cause });
      return undefined;
    });
    if (response?.ok) return checkReply(await response.json(), url);
    const retried = response === undefined || response.status === 429 || response.status >= 500;
    if (response && (!retried || last))
      throw new Error(`completionsScore: ${url} answered ${response.status}: ${(await response.text()).slice(0, 200)}`);
    await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** attempt));
  }
}

function checkReply(reply: unknown, url: string): EchoedLogprobs {
  const logprobs = (reply as { choices?: { logprobs?: EchoedLogprobs | null }[] } | null)?.choices?.[0]?.logprobs;
  if (!Array.isArray(logprobs?.token_logprobs) || !Array.isArray(logprobs.text_offset))
    throw new Error(
      `completionsScore: ${url} returned no log-probabilities of the prompt; use a server that honours "echo" with "logprobs"`,
    );
  return logprobs;
}
