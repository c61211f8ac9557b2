import { readFileSync } from "node:fs";
import { feedbackConfig, onInterrupt, runWorker } from "../src/index.ts";

// A worker in a process of its own, so that a test can stop and kill it: config file, Redis URL, stalled seconds, idle seconds.
const [, , configPath = "", redis = "", stalled, idle] = process.argv;
const { drain, signal } = onInterrupt();
const config = await feedbackConfig(JSON.parse(readFileSync(configPath, "utf8")), async () => ({}));
const result = await runWorker({
  redis,
  config,
  drain,
  signal,
  ...(stalled === undefined ? {} : { stalledSeconds: Number(stalled) }),
  ...(idle === undefined ? {} : { idleSeconds: Number(idle) }),
  onNote: () => process.stdout.write("ready\n"),
});
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
