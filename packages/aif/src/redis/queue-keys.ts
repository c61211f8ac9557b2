import { sha256 } from "../journal/request-key.ts";
import type { ModelInfo } from "../model.ts";

/** BullMQ's own keys begin with this. */
export const QUEUE_PREFIX = "zephyr";

/** Where one model's requests and results lie in Redis. Queues hold request keys only; texts and results have a lifetime. */
export interface QueueKeys {
  queue: string;
  /** What is asked. */
  request(key: string): string;
  /** What came of it. */
  result(key: string): string;
  /** How many workers have taken it up. */
  takes(key: string): string;
  /** BullMQ's record of the job, there from `add` until it is over. */
  job(key: string): string;
  /** The channel on which the keys of finished requests are told. */
  finished: string;
  /** The state of the rate limit that all workers share. */
  limits: string;
}

/** Two models share a queue exactly when name, provider and model are the same. */
export function queueKeys({ name, id }: Pick<ModelInfo, "name" | "id">): QueueKeys {
  const queue = `${name.replace(/[^\w.-]/g, "_").slice(0, 60)}-${sha256(JSON.stringify([name, id])).slice(0, 12)}`;
  const own = `zephyr-aif:${queue}`;
  return {
    queue,
    request: (key) => `${own}:request:${key}`,
    result: (key) => `${own}:result:${key}`,
    takes: (key) => `${own}:takes:${key}`,
    job: (key) => `${QUEUE_PREFIX}:${queue}:${key}`,
    finished: `${own}:finished`,
    limits: `${own}:limits`,
  };
}
