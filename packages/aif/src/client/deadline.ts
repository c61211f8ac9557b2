import { RequestError } from "./errors.ts";

/**
 * A running time limit that also follows the caller's signal. An AbortController with its listeners for each request would cost more
 * than anything else that is done for one, so it is made only where a signal is asked for.
 */
export interface Deadline {
  /** Calls the one listener when the limit is over, at once if it is over already. */
  onOver(listener: () => void): void;
  /** Aborts when the limit is over. */
  readonly signal: AbortSignal;
  /** Turns the error of a read that was given up into "timeout" or "interrupted"; returns any other error unchanged. */
  explain(error: unknown): unknown;
  /** Ends the limit; must be called. */
  clear(): void;
}

/** Starts a limit of `ms` milliseconds. */
export function deadline(where: string, ms: number, parent?: AbortSignal): Deadline {
  let over: "time" | "caller" | undefined;
  let listener: (() => void) | undefined;
  let controller: AbortController | undefined;
  const end = (why: "time" | "caller"): void => {
    over ??= why;
    listener?.();
    controller?.abort();
  };
  const timer = setTimeout(end, ms, "time");
  const leave = parent === undefined ? undefined : follow(parent, () => end("caller"));
  return {
    onOver(given) {
      listener = given;
      if (over !== undefined) given();
    },
    get signal() {
      controller ??= new AbortController();
      if (over !== undefined) controller.abort();
      return controller.signal;
    },
    explain(error) {
      if (over === "time")
        return new RequestError(
          "timeout",
          `${where}: no whole reply within ${ms} ms; raise timeout_seconds or lower max_tokens`,
          { cause: error },
        );
      if (over === "caller") return new RequestError("interrupted", `${where}: interrupted`, { cause: error });
      return error;
    },
    clear() {
      clearTimeout(timer);
      listener = undefined;
      leave?.();
    },
  };
}

const followers = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `aborted` when the signal aborts, until what it returns is called. All followers of a signal share one listener, since a
 * signal searches all that it has for the one to remove.
 */
function follow(signal: AbortSignal, aborted: () => void): () => void {
  if (signal.aborted) aborted();
  let all = followers.get(signal);
  if (all === undefined) {
    all = new Set();
    followers.set(signal, all);
    signal.addEventListener("abort", () => followers.get(signal)?.forEach((each) => void each()), { once: true });
  }
  all.add(aborted);
  return () => followers.get(signal)?.delete(aborted);
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
