/**
 * How fast is JSONL in, binarized, JSONL out, beside Python on the same file?
 *
 *   npx node --conditions=zephyr-source benchmarks/binarize.ts [rows] [rounds]
 *
 * Generates rows of UltraFeedback's shape and size (4 answers, 4 aspects with rationales, a critique each; about 15 kB), then times
 * each program in a process of its own and prints medians, ratios, machine and commit as lines of JSON. `python-json` is the same rule over
 * the standard library's json; `python-datasets` runs where `PYTHON` (default python3) has the package.
 */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { binarize } from "@zephyr/binarize";
import { type RatedRow, readRows, writeRows } from "@zephyr/data";
import { ratedRows } from "./data/generate.ts";
import { inTemporaryFolder, peakMib, print, printMachine, type Measured as Time, timed } from "./data/measure.ts";

const python = process.env["PYTHON"] ?? "python3";

type Measured = Time & { rss_mib: number };

async function compare(count: number, rounds: number): Promise<void> {
  printMachine();
  await inTemporaryFolder(async (folder) => {
    const input = join(folder, "rated.jsonl");
    await writeRows(input, { [Symbol.asyncIterator]: () => ratedRows(count) });
    const megabytes = statSync(input).size / 1e6;
    const programs: Record<string, (output: string) => Measured | { skipped: string }> = {
      zephyr: (output) => measure(process.execPath, [...process.execArgv, import.meta.filename, "run", input, output]),
      "python-json": (output) => measure(python, ["-c", pythonJson, input, output]),
      "python-datasets": (output) => measure(python, ["-c", pythonDatasets, input, output]),
    };
    const times: Record<string, Measured[]> = {};
    // Round by round, so that a machine that slows down slows down all of them.
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, run] of Object.entries(programs)) {
        const time = run(join(folder, `${name}-${round}.jsonl`));
        if (!("skipped" in time)) times[name] = [...(times[name] ?? []), time];
        else if (round === 0) print({ program: name, ...time });
      }
    }
    const medians = Object.entries(times).map(([name, runs]) => [name, median(runs)] as const);
    for (const [program, time] of medians)
      print({ program, rows: count, megabytes, rows_per_second: count / time.seconds, ...time });
    const zephyr = median(times["zephyr"]!);
    print({ ratios: Object.fromEntries(medians.map(([name, { seconds }]) => [`over ${name}`, seconds / zephyr.seconds])) });
  });
}

function median(runs: readonly Measured[]): Measured {
  return runs.toSorted((a, b) => a.seconds - b.seconds)[Math.floor(runs.length / 2)]!;
}

/** Runs a program that prints `{seconds, cpu_seconds, rss_mib}`: the time from the first row to the closed file, without its start. */
function measure(command: string, args: string[]): Measured | { skipped: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return JSON.parse(stdout) as Measured;
  const why = error?.message ?? stderr.trimEnd().split("\n").at(-1)!;
  if (command === python) return { skipped: why };
  throw new Error(`benchmark: ${command} ended with ${status}: ${why}`);
}

async function runOnce(input: string, output: string): Promise<void> {
  const rule = binarize({ preset: "zephyr-paper", seed: 0 });
  const time = await timed(() => writeRows(output, rule(readRows<RatedRow>(input))));
  console.log(JSON.stringify({ ...time, rss_mib: peakMib() }));
}

const pythonRule = `
import json, random, resource, sys, time
def scored(row):
    def mean(c):
        r = [a["rating"] for a in c["annotations"].values() if a["rating"] not in (None, "N/A")]
        return sum(map(int, r)) / len(r)
    scores = [mean(c) for c in row["completions"]]
    rng = random.Random(row["prompt_id"])
    best = rng.choice([i for i, s in enumerate(scores) if s == max(scores)])
    other = rng.choice([i for i in range(len(scores)) if i != best])
    answer = lambda i: [{"role": "assistant", "content": row["completions"][i]["content"]}]
    return {"prompt_id": row["prompt_id"], "source": row["source"], "prompt": [{"role": "user", "content": row["prompt"]}],
            "chosen": answer(best), "rejected": answer(other), "score_chosen": scores[best], "score_rejected": scores[other]}
def done(start, cpu):
    print(json.dumps({"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu, "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
`;

const pythonJson = `${pythonRule}
start, cpu = time.perf_counter(), time.process_time()
with open(sys.argv[1], encoding="utf8") as source, open(sys.argv[2], "w", encoding="utf8") as sink:
    for line in source:
        sink.write(json.dumps(scored(json.loads(line)), ensure_ascii=False) + "\\n")
done(start, cpu)
`;

// Mixed ratings are text to Arrow, as in the published files.
const pythonDatasets = `${pythonRule}
import datasets, os, tempfile
datasets.disable_progress_bars()
text = sys.argv[2] + ".text.jsonl"
with open(sys.argv[1], encoding="utf8") as source, open(text, "w", encoding="utf8") as sink:
    for line in source:
        row = json.loads(line)
        for c in row["completions"]:
            for a in c["annotations"].values(): a["rating"] = str(a["rating"])
        sink.write(json.dumps(row) + "\\n")
with tempfile.TemporaryDirectory() as cache:
    start, cpu = time.perf_counter(), time.process_time()
    rows = datasets.load_dataset("json", data_files=text, cache_dir=cache, split="train")
    rows.map(scored, remove_columns=["completions"]).to_json(sys.argv[2])
    done(start, cpu)
`;

const [mode = "1500", ...rest] = process.argv.slice(2);
if (mode === "run") await runOnce(rest[0]!, rest[1]!);
else await compare(Number(mode), Number(rest[0] ?? 3));
