import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { promptFile, temporaryFolder } from "./processes.ts";
import { print } from "./report.ts";
import { startServer } from "./server.ts";

const SAMPLE_MS = 250;
const SHOWN = 10;
const BAR_MB = 300;

interface Command {
  exitCode: number;
  /** One every 250 ms. */
  samples: { seconds: number; rss_mib: number }[];
  peak_mib: number;
  result: { status: string; rows: number };
}

/** Runs the built command, and watches its memory as the kernel counts it (Linux). */
async function runCommand(args: string[]): Promise<Command> {
  const program = new URL("../../packages/cli/bin/zephyr.mjs", import.meta.url).pathname;
  const started = performance.now();
  // Without our own flags: the condition that picks the sources is one of them.
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit");
  const samples: Command["samples"] = [];
  let peak = 0;
  const clock = setInterval(() => {
    const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
    const mib = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024;
    // A process that has just ended has none.
    if (mib("VmRSS") > 0) samples.push({ seconds: (performance.now() - started) / 1000, rss_mib: mib("VmRSS") });
    peak = Math.max(peak, mib("VmHWM"));
  }, SAMPLE_MS);
  let text = "";
  for await (const part of child.stdout) text += part;
  clearInterval(clock);
  const [exitCode] = await exit;
  if (text === "") throw new Error(`memory: zephyr complete ended with ${exitCode} and printed nothing`);
  return { exitCode, samples, peak_mib: peak, result: JSON.parse(text) as Command["result"] };
}

/**
 * The peak of `zephyr complete` as users run it, built (`npm run build`), with journal and output on disk. The prompts are short, so that
 * the server keeps up.
 */
export async function memory(count = 1_000_000): Promise<void> {
  await using server = await startServer({ replyCharacters: 0 });
  using folder = temporaryFolder();
  promptFile(folder.path("prompts.jsonl"), count);
  const model = { name: "m", model: "m", base_url: server.baseUrl, max_concurrency: 256, requests_per_minute: 10_000_000 };
  writeFileSync(folder.path("aif.json"), JSON.stringify({ models: [model], completions_per_prompt: 1 }));
  const files = [
    "--input",
    folder.path("prompts.jsonl"),
    "--output",
    folder.path("out.jsonl"),
    "--config",
    folder.path("aif.json"),
  ];
  const { exitCode, samples, peak_mib, result } = await runCommand(["complete", ...files, "--json"]);
  const every = Math.max(1, Math.ceil(samples.length / SHOWN));
  for (const [index, sample] of samples.entries()) if (index % every === 0) print({ ...sample });
  const { seconds } = samples.at(-1)!;
  print({
    bar: `${count} rows in under ${BAR_MB} MB`,
    status: result.status,
    exit_code: exitCode,
    rows: result.rows,
    peak_rss_mib: peak_mib,
    peak_rss_mb: peak_mib * 1.048576,
    seconds,
    rows_per_second: result.rows / seconds,
    is_met: result.rows === count && peak_mib * 1.048576 < BAR_MB,
  });
}
