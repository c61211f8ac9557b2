import { readFileSync } from "node:fs";
import { feedbackConfig, onInterrupt, runComplete } from "../src/index.ts";

// A run in a process of its own, so that a test can kill it: config file, input, output, Redis URL if workers send.
const [, , configPath = "", input = "", output = "", redis] = process.argv;
const { drain, signal } = onInterrupt();
const config = await feedbackConfig(JSON.parse(readFileSync(configPath, "utf8")), async () => ({}));
const { exit_code } = await runComplete({ input, output, config, resume: true, redis, drain, signal });
process.exit(exit_code);
