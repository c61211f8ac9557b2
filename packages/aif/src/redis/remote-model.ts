import type { Message } from "@zephyr/data";
import type { Queue } from "bullmq";
import { policyOf, RequestError } from "../client/errors.ts";
import { requestKey } from "../journal/request-key.ts";
import type { Model, ModelCompletion, ModelOptions } from "../model.ts";
import type { RedisLink } from "./connect.ts";
import { decodeOutcome, encodeRequest, isFinal, type Outcome } from "./messages.ts";
import { QUEUE_PREFIX, type QueueKeys, queueKeys } from "./queue-keys.ts";

/** Requests handed over at most: enough for many workers, few enough for Redis' memory. */
const MOST_OUTSTANDING = 4096;
const REQUEST_LIFETIME_SECONDS = 24 * 3600;
/** A result that was fetched stays until it is surely in the journal. */
const FETCHED_LIFETIME_SECONDS = 60;
const BATCH = 256;
/** What comes within so long is handed over or fetched together: a round trip costs the same for one as for many. */
const GATHER_MS = 10;
/** Messages can be missed and keys evicted: so often all that is outstanding is looked at, seldom where that is much. */
const LOOK_MS = 3000;
const LOOK_MS_PER_REQUEST = 3;
/** So long removing waiting requests may take when the run ends. */
const WITHDRAW_MS = 3000;

interface Outstanding {
  text: string;
  drain: AbortSignal | undefined;
  /** In the queue, as far as we know. */
  isSent: boolean;
  resolve(completion: ModelCompletion): void;
  reject(error: RequestError): void;
}

/** A model that is asked by workers; `close` lets go of its queue. */
export interface RemoteModel {
  model: Model;
  close(): Promise<void>;
}

/**
 * The same model as `local`, but asked by whichever worker takes the request out of the queue. It waits while Redis or the workers
 * are away, puts back what Redis lost, and gives up after `maxWaitSeconds` without an answer.
 */
export function remoteModel(local: Model, link: RedisLink): RemoteModel {
  const { redis, address } = link;
  const { name, limits, defaults, price } = local;
  const keys = queueKeys(local);
  const queue = new link.bullmq.Queue(keys.queue, { connection: redis, prefix: QUEUE_PREFIX });
  queue.on("error", () => {});
  const outstanding = new Map<string, Outstanding>();
  const finished = new Set<string>();
  const watched = new WeakSet<AbortSignal>();
  let closed: RequestError | undefined;
  let aliveAt = 0;
  let isBusy = false;
  let lookedAt = 0;

  const subscriber = link.duplicate();
  subscriber.subscribe(keys.finished).catch(() => {});
  subscriber.on("message", (_channel, key) => {
    if (!outstanding.has(key)) return;
    finished.add(key);
    stepSoon();
  });
  redis.on("ready", () => {
    lookedAt = 0;
  });
  const timer = setInterval(() => {
    checkAlive();
    void step();
  }, 250);

  const unsent = new Set<string>();
  let soon: NodeJS.Timeout | undefined;

  function stepSoon(): void {
    soon ??= setTimeout(() => {
      soon = undefined;
      void step();
    }, GATHER_MS);
  }

  /** One round of handing over and fetching; rounds do not overlap. */
  async function step(): Promise<void> {
    if (isBusy || outstanding.size === 0) return;
    isBusy = true;
    try {
      await fetchFinished();
      await handOver();
      const lookEveryMs = Math.max(LOOK_MS, LOOK_MS_PER_REQUEST * outstanding.size);
      if (performance.now() - lookedAt > lookEveryMs) await lookAtAll();
      if (finished.size + unsent.size > 0) stepSoon();
    } catch {
      // Redis refused or went away in the middle: everything outstanding is looked at again.
      lookedAt = 0;
    } finally {
      isBusy = false;
    }
  }

  async function handOver(): Promise<void> {
    const batch = [...take(unsent, BATCH)].filter((key) => outstanding.has(key));
    if (batch.length === 0) return;
    // A run before this one may have got the answer and been killed before it was in the journal.
    const known = await redis.mget(batch.map(keys.result));
    const missing = batch.filter((key, i) => !deliver(key, known[i], isFinal));
    if (missing.length === 0) return;
    try {
      await putTexts(redis, keys, missing, outstanding);
      await queue.addBulk(missing.map((key) => jobOf(key)));
      for (const key of missing) mark(key, true);
    } catch (error) {
      for (const key of missing) unsent.add(key);
      throw error;
    }
  }

  function mark(key: string, isSent: boolean): void {
    const request = outstanding.get(key);
    if (request !== undefined) request.isSent = isSent;
  }

  async function fetchFinished(): Promise<void> {
    const batch = [...take(finished, BATCH)].filter((key) => outstanding.has(key));
    if (batch.length === 0) return;
    const texts = await redis.mget(batch.map(keys.result));
    const fetched = batch.filter((key, i) => deliver(key, texts[i], () => true));
    const pipeline = redis.pipeline();
    for (const key of fetched)
      pipeline.expire(keys.result(key), FETCHED_LIFETIME_SECONDS).unlink(keys.request(key), keys.takes(key));
    await pipeline.exec();
  }

  /** Finds results whose message was missed, and hands over again what Redis has lost. */
  async function lookAtAll(): Promise<void> {
    const all = [...outstanding].filter(([, { isSent }]) => isSent).map(([key]) => key);
    for (let start = 0; start < all.length; start += BATCH) {
      const batch = all.slice(start, start + BATCH);
      const pipeline = redis.pipeline();
      // A job is over only after its result is there, so the result is looked at last.
      for (const key of batch)
        pipeline.exists(keys.job(key)).expire(keys.request(key), REQUEST_LIFETIME_SECONDS).exists(keys.result(key));
      const replies = (await pipeline.exec()) ?? [];
      for (const [i, key] of batch.entries()) {
        const [hasJob, hasText, hasResult] = [0, 1, 2].map((n) => replies[3 * i + n]?.[1] === 1);
        if (hasResult) finished.add(key);
        else if ((!hasJob || !hasText) && outstanding.has(key)) unsent.add(key);
      }
    }
    lookedAt = performance.now();
    await fetchFinished();
  }

  /** Settles a request by a result's text; false when there is none that counts. */
  function deliver(key: string, text: string | null | undefined, counts: (outcome: Outcome) => boolean): boolean {
    const request = outstanding.get(key);
    if (request === undefined) return true;
    if (text === null || text === undefined) return false;
    let outcome: Outcome;
    try {
      outcome = decodeOutcome(text);
    } catch {
      return false;
    }
    if (!counts(outcome)) return false;
    outstanding.delete(key);
    unsent.delete(key);
    aliveAt = performance.now();
    if ("completion" in outcome) request.resolve(withTakes({ ...outcome.completion, model: name }, outcome.takes));
    else {
      request.reject(outcome.error);
      if (policyOf(outcome.error.kind).scope === "run") end(outcome.error);
    }
    return true;
  }

  function checkAlive(): void {
    if (outstanding.size === 0) return;
    const waited = performance.now() - aliveAt;
    if (waited < limits.maxWaitMs) return;
    const why =
      redis.status === "ready"
        ? "no worker answered; start `zephyr worker` with this config"
        : `Redis at ${address} is away; start it again`;
    const message = `${name}: no answer for ${limits.maxWaitMs / 1000} s (max_wait_seconds): ${why}; what was asked stays pending, resume then`;
    end(new RequestError("unavailable", message, { model: name }));
  }

  /** Nothing more is asked; what still waits in the queue is taken out. */
  function end(error: RequestError): void {
    closed ??= error;
    const left = [...outstanding.keys()];
    for (const [key, { reject }] of [...outstanding]) {
      outstanding.delete(key);
      reject(error);
    }
    unsent.clear();
    void withdraw(queue, left);
  }

  function watch(signal: AbortSignal, stop: () => void): void {
    if (watched.has(signal)) return;
    watched.add(signal);
    signal.addEventListener("abort", stop, { once: true });
  }

  /** What no worker has taken up yet is cancelled; for the rest the run waits. */
  async function drainAll(drain: AbortSignal): Promise<void> {
    const mine = [...outstanding].filter(([, request]) => request.drain === drain).map(([key]) => key);
    const removed = await withdraw(queue, mine);
    for (const key of removed) {
      outstanding.get(key)?.reject(interrupted(name));
      outstanding.delete(key);
      unsent.delete(key);
    }
  }

  function generate(messages: Message[], options: ModelOptions = {}): Promise<ModelCompletion> {
    if (closed !== undefined) return Promise.reject(closed);
    const { drain, signal } = options;
    if (drain?.aborted || signal?.aborted) return Promise.reject(interrupted(name));
    const text = encodeRequest(messages, { ...defaults, ...options });
    const key = options.requestKey ?? requestKey({ name, id: local.id, text });
    if (drain !== undefined) watch(drain, () => void drainAll(drain));
    if (signal !== undefined) watch(signal, () => end(interrupted(name)));
    return new Promise((resolve, reject) => {
      if (outstanding.size === 0) aliveAt = performance.now();
      outstanding.set(key, { text, drain, isSent: false, resolve, reject });
      unsent.add(key);
      stepSoon();
    });
  }

  const model = Object.assign(generate, {
    id: local.id,
    limits: { ...limits, maxConcurrency: MOST_OUTSTANDING / 2 },
    defaults,
    price,
    reopen() {
      closed = undefined;
    },
    inFlight: () => outstanding.size,
    pausedMs: () => 0,
  });
  return {
    model: Object.defineProperty(model, "name", { value: name }),
    async close() {
      clearInterval(timer);
      clearTimeout(soon);
      subscriber.disconnect();
      await queue.close().catch(() => {});
    },
  };
}

function jobOf(key: string) {
  return { name: "ask", data: {}, opts: { jobId: key, removeOnComplete: true, removeOnFail: true } };
}

async function putTexts(
  redis: RedisLink["redis"],
  keys: QueueKeys,
  batch: string[],
  outstanding: Map<string, Outstanding>,
): Promise<void> {
  const pipeline = redis.pipeline();
  for (const key of batch) {
    // A failure of an earlier run is no answer to this one.
    pipeline.unlink(keys.result(key));
    pipeline.set(keys.request(key), outstanding.get(key)?.text ?? "", "EX", REQUEST_LIFETIME_SECONDS);
  }
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
}

/** Takes requests out of the queue that no worker has taken up; gives those that were, within bounded time. */
async function withdraw(queue: Queue, keys: string[]): Promise<string[]> {
  const removed: string[] = [];
  const removing = Promise.all(
    keys.map(async (key) => {
      if ((await queue.remove(key)) === 1) removed.push(key);
    }),
  ).catch(() => {});
  await Promise.race([removing, new Promise((resolve) => setTimeout(resolve, WITHDRAW_MS).unref())]);
  return removed;
}

function withTakes(completion: ModelCompletion, takes: number): ModelCompletion {
  if (takes <= 1) return completion;
  const warning = "a request was sent by a second worker, since the first one stalled or vanished";
  return { ...completion, warnings: [...(completion.warnings ?? []), warning] };
}

function interrupted(name: string): RequestError {
  return new RequestError("interrupted", `${name}: interrupted before a worker had answered`, { model: name });
}

/** Removes up to `count` items from a set and gives them. */
function* take<T>(set: Set<T>, count: number): Generator<T> {
  for (const item of set) {
    if (count-- <= 0) return;
    set.delete(item);
    yield item;
  }
}
