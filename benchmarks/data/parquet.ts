/**
 * How fast are Parquet files written and read, and does Python read the same rows out of them?
 *
 *   npx node --conditions=zephyr-source benchmarks/data/parquet.ts [rows] [rounds]
 *
 * Rows of the shape and size of ultrafeedback_binarized (about 8 kB). Each direction runs in a process of its own; the medians are
 * printed. Where `PYTHON` (or python3) has pyarrow, it reads our file, writes one of its own in each codec, and all rows must be equal.
 */
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { collectRows, readRows, rowsOf, writeRows } from "@zephyr/data";
import { pairRow } from "./generate.ts";
import { inOwnProcess, inTemporaryFolder, type Measured, peakMib, print, printMachine, pythonWith, timed } from "./measure.ts";

type Run = Measured & { rss_mib: number };

async function write(path: string, count: number): Promise<Run> {
  const rows = rowsOf(Array.from({ length: count }, (_, i) => pairRow(i)));
  const before = await timed(() => writeRows(path, rows));
  return { ...before, rss_mib: peakMib() };
}

async function read(path: string, count: number): Promise<Run> {
  let seen = 0;
  const time = await timed(async () => {
    for await (const row of readRows(path)) if (row.chosen.length === 2) seen += 1;
  });
  if (seen !== count) throw new Error(`benchmark: ${path} gave ${seen} rows of ${count}`);
  return { ...time, rss_mib: peakMib() };
}

function median(runs: readonly Run[]): Run {
  return runs.toSorted((a, b) => a.seconds - b.seconds)[Math.floor(runs.length / 2)]!;
}

const pythonRoundTrip = `
import json, sys, time
import pyarrow.parquet as pq
path, folder = sys.argv[1:]
start = time.perf_counter()
table = pq.read_table(path)
rows = table.to_pylist()
print(json.dumps({"python_read_seconds": time.perf_counter() - start, "schema": str(table.schema.field("chosen").type)}))
with open(folder + "/seen-by-python.jsonl", "w", encoding="utf8") as sink:
    for row in rows: sink.write(json.dumps(row, ensure_ascii=False) + "\\n")
for codec in ["snappy", "zstd", "gzip", "brotli", "lz4", "none"]:
    pq.write_table(table, folder + "/python-" + codec + ".parquet", compression=codec, row_group_size=1000)
`;

async function compareWithPython(path: string, folder: string, count: number): Promise<void> {
  const python = pythonWith("pyarrow");
  if (python === undefined) return print({ pyarrow: "skipped: not installed (PYTHON names another interpreter)" });
  const told = execFileSync(python, ["-c", pythonRoundTrip, path, folder], { encoding: "utf8" });
  const wanted = Array.from({ length: count }, (_, i) => pairRow(i));
  const equal = async (name: string) => isDeepStrictEqual(await collectRows(readRows(join(folder, name))), wanted);
  print({ ...JSON.parse(told), ours_read_by_pyarrow_equal: await equal("seen-by-python.jsonl") });
  for (const codec of ["snappy", "zstd", "gzip", "brotli", "lz4", "none"])
    print({ written_by_pyarrow: codec, read_by_us_equal: await equal(`python-${codec}.parquet`) });
}

async function compare(count: number, rounds: number): Promise<void> {
  printMachine();
  await inTemporaryFolder(async (folder) => {
    const path = join(folder, "pairs.parquet");
    for (const direction of ["write", "read"]) {
      const runs: Run[] = [];
      for (let round = 0; round < rounds; round += 1)
        runs.push(await inOwnProcess<Run>(import.meta.filename, [direction, path, count]));
      const { seconds, cpu_seconds, rss_mib } = median(runs);
      const megabytes = statSync(path).size / 1e6;
      const rate = { rows_per_second: count / seconds, rows_per_cpu_second: count / cpu_seconds };
      print({ case: `parquet ${direction}`, rows: count, megabytes, ...rate, rss_mib });
    }
    await compareWithPython(path, folder, count);
  });
}

const [mode = "20000", ...rest] = process.argv.slice(2);
if (mode === "write") print(await write(rest[0]!, Number(rest[1])));
else if (mode === "read") print(await read(rest[0]!, Number(rest[1])));
else await compare(Number(mode), Number(rest[0] ?? 3));
