import { createHash } from "node:crypto";
import type { Redis } from "ioredis";

/** A script that Redis runs in one step; it is sent in full only where Redis does not know it yet. */
export function luaScript(
  source: string,
): (redis: Redis, keys: readonly string[], ...args: (string | number)[]) => Promise<unknown> {
  const sha1 = createHash("sha1").update(source).digest("hex");
  return async (redis, keys, ...args) => {
    try {
      return await redis.evalsha(sha1, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error as Error).message.startsWith("NOSCRIPT")) throw error;
      return redis.eval(source, keys.length, ...keys, ...args);
    }
  };
}
