import type { Usage } from "@zephyr/data";

/**
 * Everything that can go wrong with one request. The list is closed; `policyOf` says what each kind means for the
 * request, the model and the run.
 */
export type ErrorKind =
  | "rate_limited"
  | "quota"
  | "overloaded"
  | "server"
  | "timeout"
  | "connection"
  | "dns"
  | "tls"
  | "malformed"
  | "empty"
  | "auth"
  | "not_found"
  | "bad_request"
  | "context_length"
  | "too_large"
  | "refusal"
  | "content_filter"
  | "length"
  | "unparsable"
  | "unavailable"
  | "budget"
  | "journal"
  | "interrupted";

/** What a kind means. */
export interface ErrorPolicy {
  /** The same request may be sent again. */
  retry: boolean;
  /** The refusal uses up one of the request's attempts. */
  countsAttempt: boolean;
  /** "row": only this request fails; "run": nothing more can be sent to the model (or at all), and the run ends. */
  scope: "row" | "run";
  /** The provider asked for fewer requests: concurrency falls. */
  slowDown: boolean;
  /** A whole answer arrived, so asking again would only pay twice: the failure is kept in the journal. */
  answered: boolean;
}

const waiting = { retry: true, countsAttempt: false, scope: "row", slowDown: true, answered: false } as const;
const flaky = { retry: true, countsAttempt: true, scope: "row", slowDown: false, answered: false } as const;
const rejected = { retry: false, countsAttempt: true, scope: "row", slowDown: false, answered: true } as const;
const fatal = { retry: false, countsAttempt: true, scope: "run", slowDown: false, answered: false } as const;

const POLICIES: Record<ErrorKind, ErrorPolicy> = {
  rate_limited: waiting,
  overloaded: { ...flaky, slowDown: true },
  server: flaky,
  timeout: flaky,
  connection: flaky,
  dns: flaky,
  malformed: flaky,
  empty: flaky,
  bad_request: rejected,
  context_length: rejected,
  too_large: rejected,
  refusal: rejected,
  content_filter: rejected,
  length: rejected,
  unparsable: rejected,
  quota: fatal,
  auth: fatal,
  not_found: fatal,
  tls: fatal,
  unavailable: fatal,
  budget: fatal,
  journal: fatal,
  interrupted: fatal,
};

/** Whether a value read from elsewhere names a kind. */
export function isErrorKind(kind: unknown): kind is ErrorKind {
  return typeof kind === "string" && Object.hasOwn(POLICIES, kind);
}

/** What to do about a kind of error. */
export function policyOf(kind: ErrorKind): ErrorPolicy {
  return POLICIES[kind];
}

export interface RequestErrorDetails {
  model?: string | undefined;
  status?: number | undefined;
  retryAfterMs?: number | undefined;
  /** The reply as it came, keys removed. */
  raw?: string | undefined;
  usage?: Usage | undefined;
  cause?: unknown;
}

/** A request that failed; branch on `kind`. */
export class RequestError extends Error {
  readonly kind: ErrorKind;
  readonly code: ErrorKind;
  readonly model: string | undefined;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly raw: string | undefined;
  readonly usage: Usage | undefined;

  constructor(kind: ErrorKind, message: string, details: RequestErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "RequestError";
    this.kind = kind;
    this.code = kind;
    this.model = details.model;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.raw = details.raw;
    this.usage = details.usage;
  }
}

/** Whether an error is ours, also across two copies of this package. */
export function isRequestError(error: unknown): error is RequestError {
  return error instanceof Error && error.name === "RequestError" && "kind" in error;
}
