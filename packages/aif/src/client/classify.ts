import { type ErrorKind, RequestError } from "./errors.ts";
import { parseDuration } from "./retry-after.ts";

/** The `error` object of a reply, if it holds one. */
export interface ProviderError {
  message: string;
  type: string;
  code: string;
  status: number | undefined;
  retryAfterMs: number | undefined;
}

/** Finds the error in a JSON reply: `{error: {...}}`, `{error: "..."}`, `[{error}]`, `{type: "error", error}`, `{detail}`. */
export function providerError(reply: unknown): ProviderError | undefined {
  const body = Array.isArray(reply) ? reply[0] : reply;
  if (!isRecord(body)) return undefined;
  const error = body["error"] ?? (body["object"] === "error" ? body : undefined);
  if (error === undefined || error === null) return undefined;
  if (!isRecord(error)) return { message: String(error), type: "", code: "", status: undefined, retryAfterMs: undefined };
  const code = error["code"];
  return {
    message: text(error["message"]),
    type: text(error["type"]) || text(error["status"]),
    code: text(code),
    status: typeof code === "number" ? code : /^\d{3}$/.test(text(code)) ? Number(code) : undefined,
    retryAfterMs: retryDelay(error["details"]),
  };
}

/** The kind of a refusal, from its status and whatever the body says. */
export function classify(status: number, error: ProviderError | undefined): ErrorKind {
  const named = error === undefined ? undefined : kindByName(error);
  if (named !== undefined) return named;
  if (status === 401 || status === 403 || status === 407) return "auth";
  if (status === 402) return "quota";
  if (status === 408) return "timeout";
  if (status === 413) return "too_large";
  if (status === 429) return "rate_limited";
  if (status === 404 || status === 405 || status === 410 || (status >= 300 && status < 400)) return "not_found";
  if (status === 409 || status === 425) return "server";
  if (status === 503 || status === 529) return "overloaded";
  if (status >= 500) return "server";
  return "bad_request";
}

/** The kind of an error that arrived under status 200: retryable unless it names something else. */
export function classifyInBody(error: ProviderError): ErrorKind {
  return kindByName(error) ?? (error.status !== undefined && error.status >= 400 ? classify(error.status, undefined) : "server");
}

/** The kind of a failure below HTTP: name resolution, connection, TLS, time-outs. */
export function classifyTransport(cause: unknown): ErrorKind {
  const codes = errorCodes(cause);
  if (/UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT|ETIMEDOUT|TimeoutError/.test(codes)) return "timeout";
  if (/ENOTFOUND|EAI_|dns error|failed to lookup/i.test(codes)) return "dns";
  if (/CERT|ERR_TLS|ERR_SSL|SELF_SIGNED|UNABLE_TO_|EPROTO|certificate|tls handshake/i.test(codes)) return "tls";
  if (/UND_ERR_RES_EXCEEDED_MAX_SIZE|Z_DATA_ERROR|Z_BUF_ERROR|ERR_BUFFER_TOO_LARGE/.test(codes)) return "malformed";
  return "connection";
}

/** A thrown value as a `RequestError`; what is one already stays as it is. */
export function transportError(where: string, cause: unknown): RequestError {
  if (cause instanceof RequestError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RequestError(classifyTransport(cause), `${where}: ${reason}`, { cause });
}

function kindByName({ type, code, message }: ProviderError): ErrorKind | undefined {
  const names = `${type} ${code}`;
  if (/insufficient_quota|billing|payment_required|credit_balance/i.test(names)) return "quota";
  if (/credit balance is too low/i.test(message)) return "quota";
  if (/context_length|string_above_max_length/i.test(names)) return "context_length";
  if (/maximum context length|context window|prompt is too long|too many tokens/i.test(message)) return "context_length";
  if (/content_filter|content_policy/i.test(names)) return "content_filter";
  if (/overloaded|UNAVAILABLE/.test(names)) return "overloaded";
  if (/rate_limit|RESOURCE_EXHAUSTED/i.test(names)) return "rate_limited";
  if (/authentication_error|permission_error|invalid_api_key|UNAUTHENTICATED|PERMISSION_DENIED/.test(names)) return "auth";
  return undefined;
}

function errorCodes(cause: unknown): string {
  const seen: string[] = [];
  for (let error = cause, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth++) {
    seen.push(text((error as Error & { code?: unknown }).code), error.name, error.message);
    if (error instanceof AggregateError) seen.push(...error.errors.map((inner) => text(inner?.code)));
  }
  return seen.join(" ");
}

function retryDelay(details: unknown): number | undefined {
  if (!Array.isArray(details)) return undefined;
  for (const detail of details) {
    const wait = isRecord(detail) ? parseDuration(text(detail["retryDelay"])) : undefined;
    if (wait !== undefined) return wait;
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
