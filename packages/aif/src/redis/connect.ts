import type * as Bullmq from "bullmq";
import type { Redis } from "ioredis";
import { ConfigError } from "../config/check-fields.ts";

/** A connection to Redis or Valkey, and BullMQ to go with it. */
export interface RedisLink {
  redis: Redis;
  /** A second connection, for subscriptions. */
  duplicate(): Redis;
  bullmq: typeof Bullmq;
  /** Host and port, without the password. */
  address: string;
  close(): void;
}

const CONNECT_MS = 5000;
const RECONNECT_MS = 500;

/**
 * Connects to `redis://` or `rediss://`; afterwards commands wait while the server is away, and connect again.
 *
 * Throws a `ConfigError` for another URL, an Error when a server cannot be reached at all or the optional packages are missing.
 */
export async function connectRedis(url: string): Promise<RedisLink> {
  const address = checkUrl(url);
  const { bullmq, ioredis } = await loadPackages();
  const options = {
    maxRetriesPerRequest: null,
    enableReadyCheck: true,
    retryStrategy: () => RECONNECT_MS,
    reconnectOnError: () => false,
  };
  const open: Redis[] = [];
  const make = (): Redis => {
    const redis = new ioredis.Redis(url, options);
    // Without a listener an error event ends the process; what waits for the server goes on waiting.
    redis.on("error", () => {});
    open.push(redis);
    return redis;
  };
  const close = (): void => {
    for (const redis of open) redis.disconnect();
  };
  const redis = make();
  await reachable(redis, address).catch((error) => {
    close();
    throw error;
  });
  return { redis, duplicate: make, bullmq, address, close };
}

function checkUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol))
    throw new ConfigError(`redis: the URL must look like "redis://HOST:6379"; rediss:// is for TLS`);
  return parsed.host === "" ? "127.0.0.1:6379" : parsed.host;
}

async function loadPackages(): Promise<{ bullmq: typeof Bullmq; ioredis: { Redis: typeof Redis } }> {
  try {
    const [bullmq, ioredis] = await Promise.all([import("bullmq"), import("ioredis")]);
    return { bullmq, ioredis };
  } catch (cause) {
    throw new Error("redis: running on several machines needs two more packages; npm install bullmq ioredis", { cause });
  }
}

function reachable(redis: Redis, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let last: Error | undefined;
    redis.on("error", (error) => {
      last = error;
    });
    const timer = setTimeout(() => {
      const reason = last === undefined ? "it does not answer" : last.message || (last as NodeJS.ErrnoException).code;
      reject(new Error(`redis: ${address} cannot be reached (${reason}); start redis-server there or correct the URL`));
    }, CONNECT_MS);
    redis.once("ready", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
