import { writeFileSync } from "node:fs";
import { runComplete } from "@zephyr/aif";
import { noRedis, redisServer } from "../../packages/aif/test/redis-server.ts";
import { configOf, startWorkers, temporaryFolder } from "./processes.ts";
import { print, promptRows } from "./report.ts";
import { startServer } from "./server.ts";

const PER_MINUTE = 600;

/** A server that enforces 600 requests a minute, and as many processes that share the limit; 0 workers: no Redis at all. */
async function measure(workers: number, requests: number): Promise<boolean> {
  using folder = temporaryFolder();
  await using server = await startServer({ delayMs: 100, replyCharacters: 100, requestsPerMinute: PER_MINUTE });
  const model = { name: "m", model: "m", base_url: server.baseUrl, requests_per_minute: PER_MINUTE, max_concurrency: 32 };
  const value = { models: [model], completions_per_prompt: 1 };
  const run = { input: promptRows(requests), output: folder.path("out.jsonl"), config: await configOf(value) };
  if (workers === 0) await runComplete(run);
  else {
    await using redis = await redisServer();
    writeFileSync(folder.path("config.json"), JSON.stringify(value));
    await using _workers = await startWorkers(folder.path("config.json"), redis.url, workers);
    await runComplete({ ...run, redis: redis.url });
  }
  const { answered, refused, spanMs } = await server.stats();
  const share = (((answered - 1) / spanMs) * 60_000) / PER_MINUTE;
  const refusedShare = refused / (answered + refused);
  print({ workers, answered, refused, share_of_allowed: share, refused_share: refusedShare });
  return share >= 0.97 && refusedShare < 0.005;
}

/** All at the same time: at ten requests a second they do not disturb each other. */
export async function rates(requests = 700): Promise<void> {
  if (noRedis) print({ skipped: "workers", reason: noRedis });
  const met = await Promise.all((noRedis ? [0] : [0, 1, 4]).map((workers) => measure(workers, requests)));
  print({
    bar: "97% of 600 requests a minute, under 0.5% refused, with 1 and 4 workers",
    is_met: !noRedis && met.every(Boolean),
  });
}
