/**
 * How much memory does it take to turn a million UltraFeedback-like rows from JSON Lines into preferences in Parquet, and does it grow?
 *
 *   npx node --conditions=zephyr-source benchmarks/data/memory.ts [rows]
 *
 * About 15 GB of rows go through a named pipe, so that no disk has to hold them; a process of its own reads them with `readRows`, binarizes
 * them with the report on, and writes Parquet. Prints its peak memory, and how fast its memory grows by a straight line through the samples.
 */
import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { binarize } from "@zephyr/binarize";
import { mapRows, pipe, type RatedRow, readRows, writeRows } from "@zephyr/data";
import { ratedRow } from "./generate.ts";
import { inOwnProcess, inTemporaryFolder, type Measured, peakMib, print, printMachine, timed } from "./measure.ts";

const DISTINCT = 512;
const SAMPLES = 100;

interface Conversion extends Measured {
  rows: number;
  output_megabytes: number;
  peak_mib: number;
  /** [100] resident MiB. */
  samples: number[];
}

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

async function convert(input: string, output: string, count: number): Promise<Conversion> {
  const samples: number[] = [];
  const every = Math.max(1, Math.floor(count / SAMPLES));
  const sampled = mapRows((row: RatedRow, index) => {
    if (index % every === 0) samples.push(process.memoryUsage.rss() / 2 ** 20);
    return row;
  });
  let rows = 0;
  const rule = binarize({ preset: "zephyr-paper", seed: 0, onReport: (report) => (rows = report.rows) });
  const time = await timed(() => writeRows(output, pipe(readRows<RatedRow>(input), sampled, rule)));
  return { ...time, rows, output_megabytes: statSync(output).size / 1e6, peak_mib: peakMib(), samples };
}

/** Slope of the least-squares line, in MiB per sample, the first fifth left out: there the machinery warms up. */
function slope(samples: readonly number[]): number {
  const kept = samples.slice(Math.floor(samples.length / 5));
  const [meanX, meanY] = [(kept.length - 1) / 2, kept.reduce((sum, y) => sum + y, 0) / kept.length];
  const moment = kept.reduce((sum, y, x) => sum + (x - meanX) * (y - meanY), 0);
  return moment / kept.reduce((sum, _, x) => sum + (x - meanX) ** 2, 0);
}

async function measureMemory(count: number): Promise<void> {
  printMachine();
  await inTemporaryFolder(async (folder) => {
    const [input, output] = [join(folder, "rated.jsonl"), join(folder, "pairs.parquet")];
    execFileSync("mkfifo", [input]);
    const generator = spawn(process.execPath, [...process.execArgv, import.meta.filename, "generate", input, String(count)], {
      stdio: "inherit",
    });
    try {
      const { samples, ...run } = await inOwnProcess<Conversion>(import.meta.filename, ["convert", input, output, count]);
      const growth = (slope(samples) * 100_000 * samples.length) / count;
      print({ case: "jsonl to parquet preferences", ...run, rows_per_second: count / run.seconds, mib_per_100k_rows: growth });
      if (run.rows !== count) throw new Error(`benchmark: ${run.rows} rows arrived of ${count}`);
    } finally {
      generator.kill();
    }
  });
}

const [mode = "1000000", ...rest] = process.argv.slice(2);
if (mode === "generate") generate(rest[0]!, Number(rest[1]));
else if (mode === "convert") print(await convert(rest[0]!, rest[1]!, Number(rest[2])));
else await measureMemory(Number(mode));
