import { RequestError } from "./errors.ts";

/** A running time limit: `signal` aborts when the time is over or when the caller's own signal does. */
export interface Deadline {
  signal: AbortSignal;
  /** Turns the error of an aborted read into "timeout" or "interrupted"; returns any other error unchanged. */
  explain(error: unknown): unknown;
  /** Ends the limit; must be called. */
  clear(): void;
}

/** Starts a limit of `ms` milliseconds that also follows `parent`. */
export function deadline(where: string, ms: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  let over = false;
  const timer = setTimeout(() => {
    over = true;
    controller.abort();
  }, ms);
  const follow = (): void => controller.abort();
  if (parent?.aborted) controller.abort();
  else parent?.addEventListener("abort", follow, { once: true });
  return {
    signal: controller.signal,
    explain(error) {
      if (over)
        return new RequestError(
          "timeout",
          `${where}: no whole reply within ${ms} ms; raise timeout_seconds or lower max_tokens`,
          { cause: error },
        );
      if (parent?.aborted) return new RequestError("interrupted", `${where}: interrupted`, { cause: error });
      return error;
    },
    clear() {
      clearTimeout(timer);
      parent?.removeEventListener("abort", follow);
    },
  };
}

/** Passes chunks on, and throws a "timeout" when none comes for `ms` milliseconds. */
export async function* withIdleLimit(where: string, chunks: AsyncIterable<Uint8Array>, ms: number): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const idle = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new RequestError("timeout", `${where}: the stream was silent for ${ms} ms`)), ms);
      });
      const next = iterator.next();
      next.catch(() => {});
      const step = await Promise.race([next, idle]).finally(() => clearTimeout(timer));
      if (step.done) return;
      yield step.value;
    }
  } finally {
    iterator.return?.()?.catch?.(() => {});
  }
}
