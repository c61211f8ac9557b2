import type { Job, Worker } from "bullmq";
import { isRequestError, policyOf, RequestError } from "../client/errors.ts";
import type { Model } from "../model.ts";
import type { RedisLink } from "./connect.ts";
import { luaScript } from "./lua-script.ts";
import { decodeRequest, encodeOutcome, isFinal, type Outcome } from "./messages.ts";
import { QUEUE_PREFIX, queueKeys } from "./queue-keys.ts";

/** What a worker has done so far, all its models together. */
export interface WorkerCounts {
  answered: number;
  failed: number;
  late: number;
  inFlight: number;
  /** When a request last came or went (monotonic, ms). */
  lastAt: number;
}

export interface WorkerSignals {
  drain: AbortSignal | undefined;
  signal: AbortSignal | undefined;
  stalledMs: number;
}

const RESULT_LIFETIME_MS = 24 * 3600 * 1000;
/** An error that ends a run is told to everyone who asks within so long, without asking the provider again. */
const DOWN_MS = 5000;
/** A request whose worker vanished so often is put back by the coordinator, which then knows of it. */
const MOST_STALLS = 10;

/** KEYS: result, request, takes. Gives [whether there is a result, the request, how many workers have taken it up]. */
const take = luaScript(`
if redis.call("EXISTS", KEYS[1]) == 1 then return { 1 } end
local text = redis.call("GET", KEYS[2])
if not text then return { 0 } end
local takes = redis.call("INCR", KEYS[3])
redis.call("PEXPIRE", KEYS[3], ${RESULT_LIFETIME_MS})
return { 0, text, takes }
`);

/**
 * KEYS: result, takes. ARGV: outcome, our number, 1 if asking again would not change it, lifetime, channel, request key.
 * The first whole answer counts; a mere failure counts only while no other worker has the request. Gives 1 if it was taken.
 */
const finish = luaScript(`
if redis.call("EXISTS", KEYS[1]) == 1 then return 0 end
if ARGV[3] ~= "1" and redis.call("GET", KEYS[2]) ~= ARGV[2] then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[4])
redis.call("PUBLISH", ARGV[5], ARGV[6])
return 1
`);

/** Starts to take one model's requests out of its queue, at most `maxConcurrency` at a time. */
export function startWorker(model: Model, link: RedisLink, counts: WorkerCounts, signals: WorkerSignals): Worker {
  const { redis, bullmq } = link;
  const keys = queueKeys(model);
  let down: { error: RequestError; until: number } | undefined;

  async function ask(text: string): Promise<{ completion: Awaited<ReturnType<Model>> } | { error: RequestError }> {
    const now = performance.now();
    if (down !== undefined && now < down.until) return { error: down.error };
    if (down !== undefined) model.reopen();
    down = undefined;
    try {
      const { messages, options } = decodeRequest(text);
      const { drain, signal } = signals;
      return { completion: await model(messages, { ...options, ...(drain && { drain }), ...(signal && { signal }) }) };
    } catch (cause) {
      const error = isRequestError(cause)
        ? cause
        : new RequestError("bad_request", `worker: ${(cause as Error).message}`, { model: model.name, cause });
      if (policyOf(error.kind).scope === "run") down = { error, until: performance.now() + DOWN_MS };
      return { error };
    }
  }

  async function process(job: Job, token: string | undefined): Promise<void> {
    const key = job.id!;
    const mine = [keys.result(key), keys.request(key), keys.takes(key)];
    const [isDone, text, takes] = (await take(redis, mine)) as [number, string?, number?];
    // Answered already, or lost by Redis: then the coordinator puts it back.
    if (isDone === 1 || text === undefined || takes === undefined) return;
    const outcome: Outcome = { takes, ...(await ask(text)) };
    if ("error" in outcome && outcome.error.kind === "interrupted") {
      await redis.decr(keys.takes(key));
      await job.moveToWait(token);
      throw new bullmq.WaitingError();
    }
    const [final, body] = [isFinal(outcome) ? 1 : 0, encodeOutcome(outcome)];
    const told = [body, takes, final, RESULT_LIFETIME_MS, keys.finished, key];
    const isTaken = await finish(redis, [keys.result(key), keys.takes(key)], ...told);
    if (isTaken !== 1) counts.late++;
    else if ("completion" in outcome) counts.answered++;
    else counts.failed++;
  }

  async function counted(job: Job, token: string | undefined): Promise<void> {
    counts.inFlight++;
    counts.lastAt = performance.now();
    try {
      await process(job, token);
    } finally {
      counts.inFlight--;
      counts.lastAt = performance.now();
    }
  }

  const worker = new bullmq.Worker(keys.queue, counted, {
    connection: redis,
    prefix: QUEUE_PREFIX,
    concurrency: model.limits.maxConcurrency,
    lockDuration: signals.stalledMs,
    stalledInterval: signals.stalledMs,
    maxStalledCount: MOST_STALLS,
  });
  // Lost locks and connections are the queue's own business: the request comes again, and its result counts once.
  worker.on("error", () => {});
  return worker;
}
