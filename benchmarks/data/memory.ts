/**
 * How much memory does it take to turn a million UltraFeedback-like rows from JSON Lines into preferences in Parquet, and does it grow?
 *
 *   npx node --conditions=zephyr-source benchmarks/data/memory.ts [rows] [command|library]
 *
 * About 15 GB of rows go through a named pipe, so that no disk has to hold them, into `zephyr binarize`, or into a script of three lines that
 * sets no flags of V8. Prints the process's peak memory as the kernel counts it (Linux), and how fast its memory grows by a straight line
 * through samples.
 */
import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { binarize } from "@zephyr/binarize";
import { pipe, type RatedRow, readRows, writeRows } from "@zephyr/data";
import { ratedRow } from "./generate.ts";
import { inTemporaryFolder, print, printMachine } from "./measure.ts";

const DISTINCT = 512;
const SAMPLE_MS = 200;

/** Writes rows into the pipe: 512 different ones over and over, each with an id of its own. */
function generate(pipePath: string, count: number): void {
  const tails = Array.from({ length: DISTINCT }, (_, i) => {
    const { prompt_id: _id, ...rest } = ratedRow(i);
    return `",${JSON.stringify(rest).slice(1)}\n`;
  });
  const pipeFile = openSync(pipePath, "w");
  let block = "";
  for (let i = 0; i < count; i += 1) {
    block += `{"prompt_id":"prompt-${i}${tails[i % DISTINCT]}`;
    if (block.length < 2 ** 20 && i + 1 < count) continue;
    const bytes = Buffer.from(block);
    for (let sent = 0; sent < bytes.length; ) sent += writeSync(pipeFile, bytes, sent);
    block = "";
  }
  closeSync(pipeFile);
}

interface Command {
  rows: number;
  /** Resident MiB, every 200 ms. */
  samples: number[];
  peak_mib: number;
}

/** What a user of the packages would write. */
async function runLibrary(input: string, output: string): Promise<void> {
  const { count } = await writeRows(output, pipe(readRows<RatedRow>(input), binarize({ preset: "zephyr-paper", seed: 0 })));
  print({ rows: count });
}

/** The command or the script, from the sources. */
function programOf(mode: string, input: string, output: string): string[] {
  if (mode === "library") return [import.meta.filename, "run-library", input, output];
  const root = join(import.meta.dirname, "../..");
  const program = ["--import", join(root, "tools/wgsl-hook.mjs"), join(root, "packages/cli/src/main.ts")];
  return [...program, "binarize", "--input", input, "--output", output, "--preset", "zephyr-paper", "--json"];
}

/** Runs it and watches it. */
async function runWatched(program: string[]): Promise<Command> {
  const child = spawn(process.execPath, [...process.execArgv, ...program], { stdio: ["ignore", "pipe", "inherit"] });
  const samples: number[] = [];
  let peak = 0;
  const clock = setInterval(() => {
    const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
    const mib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024;
    if (mib("VmRSS") > 0) samples.push(mib("VmRSS"));
    peak = Math.max(peak, mib("VmHWM"));
  }, SAMPLE_MS);
  let text = "";
  for await (const part of child.stdout) text += part;
  clearInterval(clock);
  if (text === "") throw new Error(`benchmark: ${program.join(" ")} printed nothing`);
  return { rows: JSON.parse(text).rows, samples, peak_mib: peak };
}

/** Slope of the least-squares line, in MiB per sample, the first fifth left out: there the machinery warms up. */
function slope(samples: readonly number[]): number {
  const kept = samples.slice(Math.floor(samples.length / 5));
  const [meanX, meanY] = [(kept.length - 1) / 2, kept.reduce((sum, y) => sum + y, 0) / kept.length];
  const moment = kept.reduce((sum, y, x) => sum + (x - meanX) * (y - meanY), 0);
  return moment / kept.reduce((sum, _, x) => sum + (x - meanX) ** 2, 0);
}

/** The mean of each tenth of the samples: a line that bends says nothing by its slope alone. */
function tenths(samples: readonly number[]): number[] {
  return Array.from({ length: 10 }, (_, i) => {
    const part = samples.slice(Math.floor((i * samples.length) / 10), Math.floor(((i + 1) * samples.length) / 10));
    return part.reduce((sum, mib) => sum + mib, 0) / part.length;
  });
}

async function measureMemory(count: number, mode: string): Promise<void> {
  printMachine();
  await inTemporaryFolder(async (folder) => {
    const [input, output] = [join(folder, "rated.jsonl"), join(folder, "pairs.parquet")];
    execFileSync("mkfifo", [input]);
    const generator = spawn(process.execPath, [...process.execArgv, import.meta.filename, "generate", input, String(count)], {
      stdio: "inherit",
    });
    try {
      const started = performance.now();
      const { samples, ...run } = await runWatched(programOf(mode, input, output));
      const seconds = (performance.now() - started) / 1000;
      const growth = (slope(samples) * 100_000 * samples.length) / count;
      const rates = { seconds, rows_per_second: count / seconds, output_megabytes: statSync(output).size / 1e6 };
      print({
        case: "jsonl to parquet preferences",
        mode,
        ...run,
        mib_per_100k_rows: growth,
        mib_by_tenth: tenths(samples),
        ...rates,
      });
      if (run.rows !== count) throw new Error(`benchmark: ${run.rows} rows arrived of ${count}`);
    } finally {
      generator.kill();
    }
  });
}

const [mode = "1000000", ...rest] = process.argv.slice(2);
if (mode === "generate") generate(rest[0]!, Number(rest[1]));
else if (mode === "run-library") await runLibrary(rest[0]!, rest[1]!);
else await measureMemory(Number(mode), rest[0] ?? "command");
