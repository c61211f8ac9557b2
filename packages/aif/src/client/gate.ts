import { clearTimeout, setTimeout } from "node:timers";
import type { Random } from "@zephyr/data";
import { adaptiveConcurrency } from "./adaptive-concurrency.ts";
import { policyOf, RequestError } from "./errors.ts";
import { type TokenBucket, tokenBucket } from "./token-bucket.ts";

const REFUSAL_BASE_MS = 100;
const REFUSAL_CAP_MS = 60_000;
/** Within so long all come back after an outage. */
const RECOVERY_SPREAD_MS = 1000;
/** So many different requests failing with no success between them are an outage, not bad requests. */
const OUTAGE_REQUESTS = 4;

export interface GateOptions {
  name: string;
  maxConcurrency: number;
  requestsPerMinute?: number | undefined;
  tokensPerMinute?: number | undefined;
  maxWaitMs: number;
  random: Random;
}

/** The right to send one attempt; exactly one of the two methods must be called when it is over. */
export interface Ticket {
  succeeded(usedTokens: number): void;
  failed(error: RequestError): void;
}

/** Decides when a request may go to one model: rate, concurrency, pauses that the provider asked for, and giving up. */
export interface Gate {
  /** Waits for a turn, after `delayMs`; rejects when the model is given up or `drain` aborts. `request` identifies the request over its attempts. */
  enter(request: object, tokens: number, delayMs: number, drain?: AbortSignal): Promise<Ticket>;
  /** Nothing has succeeded lately though several requests tried: failures say nothing about one request. */
  isDown(): boolean;
  /** Refuses everything from now on. */
  close(error: RequestError): void;
  reopen(): void;
  inFlight(): number;
  /** Milliseconds until the pause that the provider asked for is over. */
  pausedMs(): number;
}

interface Waiter {
  request: object;
  tokens: number;
  drain: AbortSignal | undefined;
  resolve(ticket: Ticket): void;
  reject(error: RequestError): void;
}

/** Makes the gate of one model. */
export function createGate(options: GateOptions): Gate {
  const { name, maxWaitMs, random } = options;
  const buckets: { requests: TokenBucket | undefined; tokens: TokenBucket | undefined } = {
    requests: options.requestsPerMinute === undefined ? undefined : tokenBucket(options.requestsPerMinute),
    tokens: options.tokensPerMinute === undefined ? undefined : tokenBucket(options.tokensPerMinute),
  };
  const concurrency = adaptiveConcurrency(options.maxConcurrency);
  const fresh = createQueue();
  const retries = createQueue();
  const delayed = new Map<Waiter, { timer: NodeJS.Timeout; dueAt: number }>();
  const failing = new Set<object>();
  const watched = new WeakSet<AbortSignal>();
  let inFlight = 0;
  let pausedUntil = 0;
  let storms = 0;
  let stormAt = Number.NEGATIVE_INFINITY;
  let everSucceeded = false;
  let lastError: RequestError | undefined;
  let closed: RequestError | undefined;
  let wake: NodeJS.Timeout | undefined;
  let giveUp: NodeJS.Timeout | undefined;

  function pump(): void {
    while (fresh.size() + retries.size() > 0 && closed === undefined && inFlight < concurrency.limit()) {
      const now = performance.now();
      const wait = Math.max(pausedUntil - now, buckets.requests?.waitMs(now) ?? 0, buckets.tokens?.waitMs(now) ?? 0);
      if (wait > 0) {
        wake ??= setTimeout(() => {
          wake = undefined;
          pump();
        }, Math.ceil(wait));
        return;
      }
      const waiter = (retries.shift() ?? fresh.shift())!;
      buckets.requests?.take(1, now);
      buckets.tokens?.take(waiter.tokens, now);
      inFlight++;
      waiter.resolve(ticketOf(waiter, now));
    }
  }

  function ticketOf(waiter: Waiter, sentAt: number): Ticket {
    return {
      succeeded(usedTokens) {
        inFlight--;
        buckets.tokens?.settle(waiter.tokens, usedTokens);
        markAlive();
        concurrency.succeeded();
        pump();
      },
      failed(error) {
        inFlight--;
        buckets.tokens?.settle(waiter.tokens, 0);
        const { answered, scope, slowDown } = policyOf(error.kind);
        if (answered) markAlive();
        else if (scope === "run") close(error);
        else markTrouble(waiter.request, error);
        if (slowDown) slow(error, sentAt);
        else if (error.retryAfterMs !== undefined) pause(error.retryAfterMs);
        pump();
      },
    };
  }

  function slow(error: RequestError, sentAt: number): void {
    const now = performance.now();
    concurrency.refused(sentAt, now);
    if (sentAt >= stormAt) {
      storms++;
      stormAt = now;
      // A provider that refuses again and again although its own wait was kept is not taken at its word.
      const isVague = error.retryAfterMs === undefined || storms > 2;
      if (error.kind === "rate_limited" && isVague)
        pause(random.next() * Math.min(REFUSAL_CAP_MS, REFUSAL_BASE_MS * 2 ** storms));
    }
    if (error.retryAfterMs !== undefined) pause(error.retryAfterMs);
  }

  function pause(ms: number): void {
    pausedUntil = Math.max(pausedUntil, performance.now() + ms);
    clearTimeout(wake);
    wake = undefined;
  }

  function markAlive(): void {
    if (failing.size >= OUTAGE_REQUESTS) shortenDelays();
    everSucceeded = true;
    storms = 0;
    failing.clear();
    clearTimeout(giveUp);
    giveUp = undefined;
  }

  function markTrouble(request: object, error: RequestError): void {
    failing.add(request);
    lastError = error;
    giveUp ??= setTimeout(() => {
      const message = `${name}: no success for ${maxWaitMs / 1000} s (max_wait_seconds); last: ${lastError?.message}; what was asked stays pending, resume when the model is back`;
      close(
        new RequestError("unavailable", message, {
          model: name,
          cause: lastError,
          status: lastError?.status,
          raw: lastError?.raw,
        }),
      );
    }, maxWaitMs);
    // Whoever waits has a timer or a socket of its own; this one must not keep a finished process alive.
    giveUp.unref();
  }

  function close(error: RequestError): void {
    closed ??= error;
    clearTimeout(wake);
    clearTimeout(giveUp);
    wake = giveUp = undefined;
    const waiting = [...retries.clear(), ...fresh.clear(), ...delayed.keys()];
    for (const { timer } of delayed.values()) clearTimeout(timer);
    delayed.clear();
    for (const waiter of waiting) waiter.reject(closed);
  }

  function waitFor(request: object, tokens: number, delayMs: number, drain?: AbortSignal): Promise<Ticket> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { request, tokens, drain, resolve, reject };
      if (drain !== undefined) watch(drain);
      if (delayMs > 0) wakeLater(waiter, delayMs);
      else (failing.has(request) ? retries : fresh).push(waiter);
      pump();
    });
  }

  /** One listener per signal: one per waiting request would cost more than the rest of the gate. */
  function watch(drain: AbortSignal): void {
    if (watched.has(drain)) return;
    watched.add(drain);
    drain.addEventListener(
      "abort",
      () => {
        for (const waiter of [...delayed.keys(), ...fresh.all(), ...retries.all()]) {
          if (waiter.drain !== drain) continue;
          cancel(waiter);
          waiter.reject(interrupted());
        }
      },
      { once: true },
    );
  }

  function interrupted(): RequestError {
    return new RequestError("interrupted", `${name}: interrupted before the request was sent`, { model: name });
  }

  function requeue(waiter: Waiter): void {
    clearTimeout(delayed.get(waiter)?.timer);
    delayed.delete(waiter);
    retries.push(waiter);
  }

  function wakeLater(waiter: Waiter, delayMs: number): void {
    clearTimeout(delayed.get(waiter)?.timer);
    const timer = setTimeout(() => {
      requeue(waiter);
      pump();
    }, delayMs);
    delayed.set(waiter, { timer, dueAt: performance.now() + delayMs });
  }

  /** After an outage nobody has to sit out a long back-off that was meant for it; the returns are still spread out. */
  function shortenDelays(): void {
    const limit = performance.now() + RECOVERY_SPREAD_MS;
    for (const [waiter, { dueAt }] of [...delayed]) if (dueAt > limit) wakeLater(waiter, random.next() * RECOVERY_SPREAD_MS);
  }

  function cancel(waiter: Waiter): void {
    clearTimeout(delayed.get(waiter)?.timer);
    delayed.delete(waiter);
    fresh.remove(waiter);
    retries.remove(waiter);
  }

  return {
    enter(request, tokens, delayMs, drain) {
      if (closed !== undefined) return Promise.reject(closed);
      if (drain?.aborted) return Promise.reject(interrupted());
      return waitFor(request, tokens, delayMs, drain);
    },
    isDown: () => failing.size > 0 && (!everSucceeded || failing.size >= OUTAGE_REQUESTS),
    close,
    reopen() {
      // Others may be using the model: their pauses stand.
      if (closed === undefined) return;
      closed = undefined;
      pausedUntil = 0;
      failing.clear();
    },
    inFlight: () => inFlight,
    pausedMs: () => Math.max(0, pausedUntil - performance.now()),
  };
}

/** A first-in first-out queue whose shift takes constant time. */
function createQueue() {
  let items: Waiter[] = [];
  let head = 0;
  return {
    size: () => items.length - head,
    push: (waiter: Waiter) => void items.push(waiter),
    shift(): Waiter | undefined {
      const waiter = items[head++];
      if (head > items.length) head = items.length;
      if (head > 1024 && head * 2 > items.length) {
        items = items.slice(head);
        head = 0;
      }
      return waiter;
    },
    remove(waiter: Waiter): void {
      const at = items.indexOf(waiter, head);
      if (at >= 0) items.splice(at, 1);
    },
    all: () => items.slice(head),
    clear(): Waiter[] {
      const left = items.slice(head);
      items = [];
      head = 0;
      return left;
    },
  };
}
