import { createHash } from "node:crypto";
import type { Completion, Generate, GenerateOptions, Message } from "@zephyr/data";

/** One request to a judge or model. */
export interface Call {
  messages: Message[];
  options?: GenerateOptions;
}

/** Replies already paid for. A file, a journal, or a Map with `put` will do; see `fileReplies`. */
export interface Replies {
  get(key: string): Completion | undefined | Promise<Completion | undefined>;
  put(key: string, completion: Completion): void | Promise<void>;
}

/** How a judge is asked many things. */
export interface AskOptions {
  /** Calls on the wire at once, 4 unless told. */
  concurrency?: number;
  /** Replies of an earlier run: what is found there is not asked again; new replies are added before they count. */
  replies?: Replies;
  /** Names the judge in reply keys, so that two judges never share one. */
  judgeName?: string;
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
}

export type Answered = { ok: true; completion: Completion } | { ok: false; error: Error };

const FAILURES_BEFORE_GIVING_UP = 5;

/** Kinds of @zephyr/aif's errors after which no further call can succeed. */
const FATAL_KINDS = new Set(["quota", "auth", "not_found", "tls", "unavailable", "budget", "journal", "interrupted"]);

/**
 * Asks every call, in bounded parallel, and returns the outcomes in the order of the calls. A call that fails is an
 * outcome of its own and is never stored; the run ends with the error when the first five calls to finish all fail, or when
 * the error's `kind` says that the budget, the key or the journal is at fault.
 */
export async function askAll(calls: readonly Call[], judge: Generate, options: AskOptions = {}): Promise<Answered[]> {
  const { concurrency = 4, replies, judgeName = "judge", signal, onProgress } = options;
  if (!(concurrency >= 1)) throw new RangeError(`askAll: concurrency is ${concurrency}; it must be at least 1`);
  const outcomes: Answered[] = new Array(calls.length);
  let next = 0;
  let done = 0;
  let failures = 0;
  let successes = 0;

  async function askOne(call: Call): Promise<Answered> {
    const key = callKey(judgeName, call);
    const known = await replies?.get(key);
    if (known) return { ok: true, completion: known };
    let completion: Completion;
    try {
      completion = await judge(call.messages, { ...call.options, ...(signal ? { signal } : {}) });
    } catch (cause) {
      signal?.throwIfAborted();
      if (FATAL_KINDS.has((cause as { kind?: string } | null)?.kind ?? "")) {
        next = calls.length;
        throw cause;
      }
      return { ok: false, error: cause instanceof Error ? cause : new Error(String(cause)) };
    }
    if (typeof completion?.content !== "string")
      return { ok: false, error: new TypeError(`askAll: ${judgeName} returned no text content`) };
    await replies?.put(key, completion);
    return { ok: true, completion };
  }
  async function work(): Promise<void> {
    while (next < calls.length) {
      signal?.throwIfAborted();
      const at = next++;
      const outcome = await askOne(calls[at]!);
      outcomes[at] = outcome;
      if (outcome.ok) successes++;
      else if (++failures >= FAILURES_BEFORE_GIVING_UP && successes === 0) {
        next = calls.length;
        throw givingUp(judgeName, failures, outcome.error);
      }
      onProgress?.(++done, calls.length);
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, calls.length) }, work));
  return outcomes;
}

function givingUp(judgeName: string, failures: number, cause: Error): Error {
  return new Error(
    `askAll: the first ${failures} calls to ${judgeName} all failed, the last with: ${cause.message}; check its address and key, then run again`,
    {
      cause,
    },
  );
}

/** What makes two calls the same: judge, messages and sampling options, as a SHA-256 in hex. */
export function callKey(judgeName: string, { messages, options = {} }: Call): string {
  const { signal: _, ...sampling } = options;
  const sorted = Object.fromEntries(Object.entries(sampling).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash("sha256")
    .update(JSON.stringify([judgeName, messages, sorted]))
    .digest("hex");
}
