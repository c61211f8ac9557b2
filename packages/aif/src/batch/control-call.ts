import type { Random } from "@zephyr/data";
import { classify, providerError, transportError } from "../client/classify.ts";
import { deadline } from "../client/deadline.ts";
import { policyOf, RequestError } from "../client/errors.ts";
import { redact } from "../client/redact.ts";
import { retryAfterMs } from "../client/retry-after.ts";
import { defaultTransport, type HttpRequest, type Transport } from "../client/transport.ts";

/** Sends the few requests that steer batches: upload, create, list, poll, download. */
export type ControlCall = (request: HttpRequest) => Promise<string>;

const ATTEMPTS = 8;
const BACKOFF_BASE_MS = 500;
const BACKOFF_CAP_MS = 30_000;

/** Retries with full jitter; gives the body as text, or throws a `RequestError`. */
export function controlCall(name: string, secrets: string[], random: Random, timeoutMs: number, given?: Transport): ControlCall {
  const once = async (request: HttpRequest): Promise<string> => {
    const transport = given ?? (await defaultTransport());
    const limit = deadline(name, timeoutMs);
    try {
      const reply = await transport.send(request, limit);
      const text = new TextDecoder().decode(await reply.bytes());
      if (reply.status >= 200 && reply.status < 300) return text;
      const kind = classify(reply.status, providerError(parsed(text)));
      const details = {
        model: name,
        status: reply.status,
        retryAfterMs: retryAfterMs(reply.header, Date.now()),
        raw: redact(text, secrets),
      };
      throw new RequestError(
        kind,
        redact(`${name}: HTTP ${reply.status} from ${request.url}: ${text.slice(0, 200)}`, secrets),
        details,
      );
    } catch (cause) {
      throw transportError(name, limit.explain(cause));
    } finally {
      limit.clear();
    }
  };
  return async (request) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(request);
      } catch (error) {
        const { kind, retryAfterMs: asked } = error as RequestError;
        if (!policyOf(kind).retry || attempt >= ATTEMPTS) throw error;
        const backoff = random.next() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** attempt);
        await new Promise((resolve) => setTimeout(resolve, asked ?? backoff));
      }
    }
  };
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
