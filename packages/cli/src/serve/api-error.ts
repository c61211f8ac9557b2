/** What OpenAI's API calls the kinds of its errors. */
export type ApiErrorType = "invalid_request_error" | "rate_limit_error" | "server_error";

/** An error that is told to the client, in OpenAI's shape. */
export interface ApiError extends Error {
  status: number;
  type: ApiErrorType;
  /** The field of the request that is wrong. */
  param: string | null;
  code: string | null;
  /** Whole seconds after which another try may succeed. */
  retryAfter?: number;
}

interface Details {
  type?: ApiErrorType;
  param?: string;
  code?: string;
  retryAfter?: number;
  cause?: unknown;
}

/** An error with the HTTP status that it is answered with. */
export function apiError(status: number, message: string, { type, param, code, retryAfter, cause }: Details = {}): ApiError {
  const kind = type ?? (status >= 500 ? "server_error" : "invalid_request_error");
  return Object.assign(new Error(message, { cause }), {
    status,
    type: kind,
    param: param ?? null,
    code: code ?? null,
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

/** A request whose field `param` is wrong. */
export function badRequest(param: string, message: string, code?: string): ApiError {
  return apiError(400, message, { param, ...(code !== undefined && { code }) });
}

/** What a client is told about any error: one that is no ApiError is the server's. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof Error && "status" in error && "param" in error) return error as ApiError;
  return apiError(500, error instanceof Error ? error.message : String(error), { cause: error });
}

/** The body of an error's reply. */
export function errorBody({ message, type, param, code }: ApiError): object {
  return { error: { message, type, param, code } };
}
