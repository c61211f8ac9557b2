import { setTimeout as sleep } from "node:timers/promises";
import type { Worker } from "bullmq";
import { ConfigError } from "../config/check-fields.ts";
import type { FeedbackConfig, ModelConfig } from "../config/feedback-config.ts";
import { modelFromConfig } from "../config/model-from-config.ts";
import type { Model } from "../model.ts";
import { connectRedis, type RedisLink } from "./connect.ts";
import { queueKeys } from "./queue-keys.ts";
import { sharedLimits } from "./shared-limits.ts";
import { startWorker, type WorkerCounts } from "./worker.ts";

export interface RunWorkerOptions {
  /** `redis://HOST:PORT` of the coordinator's server. */
  redis: string;
  /** Its models, judge, user and assistant are served. */
  config: FeedbackConfig;
  env?: Record<string, string | undefined>;
  /** Ends the worker after so long without a request; left out, it waits for ever. */
  idleSeconds?: number | undefined;
  /** Ends it after the requests in flight. */
  drain?: AbortSignal | undefined;
  /** Cuts those off, too. */
  signal?: AbortSignal | undefined;
  /** Shows what has been done, about once a second. */
  onLine?: ((line: string) => void) | undefined;
  onNote?: (line: string) => void;
  /** How long a worker may be silent before another one takes over its requests. Default 30. */
  stalledSeconds?: number | undefined;
}

/** What a worker did. */
export interface WorkerResult {
  answered: number;
  failed: number;
  /** Answers that came too late: another worker had sent the request, too. */
  late: number;
  reason: "interrupted" | "idle";
}

/**
 * `zephyr worker`: sends the requests that `complete`, `rate` and `generate-dialogues` hand over with `--redis`, until interrupted or idle. Limits per
 * minute hold for all workers together, `max_concurrency` for each.
 *
 * @throws ConfigError for a config without models, or with a key that is not set.
 * @example await runWorker({ redis: "redis://10.0.0.1:6379", config, idleSeconds: 600 });
 */
export async function runWorker(options: RunWorkerOptions): Promise<WorkerResult> {
  const { redis: url, config, env = process.env, idleSeconds, drain, signal, onLine, onNote, stalledSeconds = 30 } = options;
  const configs = servedModels(config);
  if (configs.length === 0) throw new ConfigError("config: models and judge are missing; a worker needs at least one model");
  const link = await connectRedis(url);
  const counts: WorkerCounts = { answered: 0, failed: 0, late: 0, inFlight: 0, lastAt: performance.now() };
  const models = new Map(configs.map((each) => limitedTogether(each, env, link)).map((model) => [queueKeys(model).queue, model]));
  const workers: Worker[] = [...models.values()].map((model) =>
    startWorker(model, link, counts, { drain, signal, stalledMs: stalledSeconds * 1000 }),
  );
  onNote?.(`serving ${[...models.values()].map(({ name }) => name).join(", ")} from ${link.address}`);
  try {
    const reason = await untilOver(counts, { idleSeconds, drain, onLine });
    await Promise.race([Promise.all(workers.map((worker) => worker.close())), aborted(signal)]);
    const { answered, failed, late } = counts;
    return { answered, failed, late, reason };
  } finally {
    link.close();
  }
}

/** The judge comes first: where it is one of the pool, too, its entry says more. */
function servedModels({ judge, models, dialogues: { user, assistant } }: FeedbackConfig): ModelConfig[] {
  const seen = new Set<string>();
  return [judge, ...models, user, assistant].filter((config): config is ModelConfig => {
    if (config === undefined || seen.has(config.name)) return false;
    seen.add(config.name);
    return true;
  });
}

function limitedTogether(config: ModelConfig, env: Record<string, string | undefined>, { redis }: RedisLink): Model {
  const limits = { requestsPerMinute: config.requests_per_minute, tokensPerMinute: config.tokens_per_minute };
  const { limits: key } = queueKeys(modelFromConfig(config, env));
  return modelFromConfig(config, env, sharedLimits(redis, key, limits));
}

async function untilOver(
  counts: WorkerCounts,
  { idleSeconds, drain, onLine }: Pick<RunWorkerOptions, "idleSeconds" | "drain" | "onLine">,
): Promise<WorkerResult["reason"]> {
  for (let turn = 1; !drain?.aborted; turn++) {
    const idleMs = counts.inFlight > 0 ? 0 : performance.now() - counts.lastAt;
    if (idleSeconds !== undefined && idleMs > idleSeconds * 1000) return "idle";
    if (turn % 5 === 0) onLine?.(`${counts.answered} answered, ${counts.failed} failed, ${counts.inFlight} in flight`);
    await sleep(200, undefined, drain === undefined ? {} : { signal: drain }).catch(() => {});
  }
  return "interrupted";
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
