import { writeFileSync } from "node:fs";
import { runComplete } from "@zephyr/aif";
import { noRedis, redisServer } from "../../packages/aif/test/redis-server.ts";
import { configOf, startWorkers, temporaryFolder } from "./processes.ts";
import { print, promptRows } from "./report.ts";
import { startServer } from "./server.ts";

const IN_FLIGHT = 32;
const DELAY_MS = 200;

/** Requests a second, from the first one to the last one as the server sees them. */
async function measure(workers: number, seconds: number): Promise<number> {
  using folder = temporaryFolder();
  await using server = await startServer({ delayMs: DELAY_MS, replyCharacters: 2000 });
  await using redis = await redisServer();
  const model = { name: "m", model: "m", base_url: server.baseUrl, max_concurrency: IN_FLIGHT };
  const value = { models: [model], completions_per_prompt: 1 };
  writeFileSync(folder.path("config.json"), JSON.stringify(value));
  await using _workers = await startWorkers(folder.path("config.json"), redis.url, workers);
  const requests = (workers * IN_FLIGHT * seconds * 1000) / DELAY_MS;
  await runComplete({
    input: promptRows(requests),
    output: folder.path("out.jsonl"),
    config: await configOf(value),
    redis: redis.url,
  });
  const { spanMs } = await server.stats();
  const perSecond = (requests / spanMs) * 1000;
  print({
    workers,
    requests,
    requests_per_second: perSecond,
    of_the_possible: perSecond / ((workers * IN_FLIGHT * 1000) / DELAY_MS),
  });
  return perSecond;
}

/** One worker and four, 32 requests in flight each, against a server that takes 200 ms. */
export async function workers(seconds = 10): Promise<void> {
  if (noRedis) {
    print({ skipped: "workers", reason: noRedis });
    return;
  }
  const one = await measure(1, seconds);
  const four = await measure(4, seconds);
  print({ bar: "4 workers 3.5x of one", ratio: four / one, is_met: four / one >= 3.5 });
}
