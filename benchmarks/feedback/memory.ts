import { spawnSync } from "node:child_process";
import { runComplete } from "@zephyr/aif";
import type { PromptRow } from "@zephyr/data";
import { configOf, temporaryFolder } from "./processes.ts";
import { print } from "./report.ts";
import { startServer } from "./server.ts";

const STEPS = 10;

/** Short prompts, so that the server keeps up; told how far the second reading is: the first one is the survey. */
function rows(count: number, onRow: (index: number) => void): AsyncIterable<PromptRow> {
  let isSurveyed = false;
  return {
    async *[Symbol.asyncIterator]() {
      const isSecond = isSurveyed;
      isSurveyed = true;
      for (let i = 0; i < count; i++) {
        if (isSecond) onRow(i);
        yield { prompt_id: `prompt-${i}`, prompt: `question ${i}` };
      }
    },
  };
}

async function runOnce(baseUrl: string, count: number): Promise<void> {
  using folder = temporaryFolder();
  const config = await configOf({
    models: [{ name: "m", model: "m", base_url: baseUrl, max_concurrency: 256, requests_per_minute: 10_000_000 }],
    completions_per_prompt: 1,
  });
  const started = performance.now();
  const every = Math.ceil(count / STEPS);
  const report = (index: number): void => {
    if (index % every !== 0) return;
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    print({ rows: index, rss_mib: rss / 2 ** 20, heap_mib: heapUsed / 2 ** 20, buffers_mib: arrayBuffers / 2 ** 20 });
  };
  const { status, rows: written } = await runComplete({ input: rows(count, report), output: folder.path("out.jsonl"), config });
  const seconds = (performance.now() - started) / 1000;
  // Node gives kilobytes.
  const peak = process.resourceUsage().maxRSS / 1024;
  print({
    bar: "1,000,000 rows in under 300 MB",
    status,
    rows: written,
    peak_rss_mib: peak,
    peak_rss_mb: peak * 1.048576,
    seconds,
    rows_per_second: written / seconds,
    is_met: written === count && peak * 1.048576 < 300,
  });
}

/** The peak of a process that does nothing but this run, journal and output on disk. */
export async function memory(count = 1_000_000): Promise<void> {
  await using server = await startServer({ replyCharacters: 0 });
  const args = [...process.execArgv, import.meta.filename, server.baseUrl, String(count)];
  const { status } = spawnSync(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) throw new Error(`memory: the run ended with ${status}`);
}

if (process.argv[1] === import.meta.filename) {
  const [, , baseUrl, count] = process.argv as [string, string, string, string];
  await runOnce(baseUrl, Number(count));
  process.exit(0);
}
