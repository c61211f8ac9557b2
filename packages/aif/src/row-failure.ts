import type { PromptRow } from "@zephyr/data";
import { type ErrorKind, isRequestError, policyOf, type RequestError } from "./client/errors.ts";

/** One thing that went wrong for good with a row. */
export interface FailureReason {
  kind: ErrorKind;
  reason: string;
  model?: string;
  raw?: string;
}

/** A row that could not be finished: the row, the first failure, all failures, and what had been got. */
export interface RowFailure extends FailureReason {
  row: PromptRow & { prompt_id: string };
  failures: FailureReason[];
}

/** Waits for all of a row's requests; throws the error that ends the run, if there is one. */
export async function settleAll<T>(requests: Promise<T>[]): Promise<{ values: (T | undefined)[]; failures: FailureReason[] }> {
  const results = await Promise.allSettled(requests);
  const failures: FailureReason[] = [];
  for (const result of results) {
    if (result.status === "fulfilled") continue;
    const error = result.reason;
    if (!isRequestError(error) || policyOf(error.kind).scope === "run") throw error;
    failures.push(failureReason(error));
  }
  return { values: results.map((result) => (result.status === "fulfilled" ? result.value : undefined)), failures };
}

function failureReason({ kind, message, model, raw }: RequestError): FailureReason {
  return { kind, reason: message, ...(model === undefined ? {} : { model }), ...(raw === undefined ? {} : { raw }) };
}

/** Reports a failed row, or throws when nobody listens: a row never vanishes silently. */
export function reportFailure(where: string, failure: RowFailure, onFailure: ((failure: RowFailure) => void) | undefined): void {
  if (onFailure !== undefined) {
    onFailure(failure);
    return;
  }
  const { row, kind, reason } = failure;
  const message = `${where}: row ${JSON.stringify(row.prompt_id)} failed (${kind}): ${reason}; pass onFailure to go on without such rows`;
  throw Object.assign(new Error(message), { code: kind });
}
