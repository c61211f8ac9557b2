/**
 * How fast is JSONL in, binarized, JSONL out, beside Python on the same file?
 *
 *   npx node --conditions=zephyr-source benchmarks/binarize.ts [rows] [rounds]
 *
 * Generates rows of UltraFeedback's shape and size (4 answers, 4 aspects with rationales, a critique each; about 15 kB), then times
 * each program in a process of its own and prints medians, ratios, machine and commit as lines of JSON.
 * `python-json` is the same rule over the standard library's json; `python-datasets` runs where the package is installed.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { binarize } from "@zephyr/binarize";
import { type RatedRow, randomFor, readRows, writeRows } from "@zephyr/data";

async function compare(count: number, rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "zephyr-binarize-"));
  try {
    const input = join(folder, "rated.jsonl");
    await writeRows(input, { [Symbol.asyncIterator]: () => generateRows(count) });
    const megabytes = statSync(input).size / 1e6;
    const programs: Record<string, (output: string) => Measured | undefined> = {
      zephyr: (output) => measure(process.execPath, [...process.execArgv, import.meta.filename, "run", input, output]),
      "python-json": (output) => measure("python3", ["-c", pythonJson, input, output]),
      "python-datasets": (output) => measure("python3", ["-c", pythonDatasets, input, output]),
    };
    const medians: Record<string, Measured> = {};
    for (const [name, run] of Object.entries(programs)) {
      const times = Array.from({ length: rounds }, (_, round) => run(join(folder, `${name}-${round}.jsonl`)));
      const measured = times.filter((time) => time !== undefined).toSorted((a, b) => a.seconds - b.seconds);
      const median = measured[Math.floor(measured.length / 2)];
      if (median === undefined) {
        console.log(JSON.stringify({ program: name, skipped: "python3 or the package is not installed" }));
        continue;
      }
      medians[name] = median;
      console.log(JSON.stringify({ program: name, rows: count, megabytes, rows_per_second: count / median.seconds, ...median }));
    }
    const zephyr = medians["zephyr"]!;
    const ratios = Object.entries(medians).map(([name, { seconds }]) => [`over ${name}`, seconds / zephyr.seconds]);
    const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
    console.log(
      JSON.stringify({ ratios: Object.fromEntries(ratios), machine: `${cpus().length} x ${cpus()[0]?.model}`, commit }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Measured {
  seconds: number;
  /** Of all cores: what a loaded machine measures more truly. */
  cpu_seconds: number;
  rss_mib: number;
}

/** Runs a program that prints `{seconds, cpu_seconds, rss_mib}`: the time from the first row to the closed file, without its start. */
function measure(command: string, args: string[]): Measured | undefined {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return JSON.parse(stdout) as Measured;
  if (command === "python3") return undefined;
  throw new Error(`benchmark: ${command} ended with ${status}: ${stderr}`);
}

async function runOnce(input: string, output: string): Promise<void> {
  const started = performance.now();
  const cpu = process.cpuUsage();
  await writeRows(output, binarize({ preset: "zephyr-paper", seed: 0 })(readRows<RatedRow>(input)));
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify({ seconds, cpu_seconds: (user + system) / 1e6, rss_mib: process.resourceUsage().maxRSS / 1024 }));
}

async function* generateRows(count: number): AsyncGenerator<RatedRow> {
  const dictionary = randomFor(0, "dictionary");
  const letters = "etaoinshrdlucmfwypvbgk";
  const word = () => Array.from({ length: 2 + dictionary.integer(8) }, () => letters[dictionary.integer(22)]).join("");
  const vocabulary = Array.from({ length: 5000 }, word);
  for (let i = 0; i < count; i += 1) {
    const random = randomFor(0, i);
    const text = (words: number) =>
      Array.from({ length: words }, (_, w) => vocabulary[random.integer(5000)]! + (w % 13 === 12 ? ".\n" : "")).join(" ");
    const annotation = () => ({ rating: 1 + random.integer(5), rationale: text(40) });
    const completion = () => ({
      model: `model-${random.integer(17)}`,
      principle: "helpfulness",
      system_prompt: text(20),
      content: text(60 + random.integer(300)),
      overall_score: 1 + random.integer(10),
      annotations: {
        instruction_following: annotation(),
        honesty: random.integer(6) === 0 ? { rating: "N/A" as const, rationale: text(20) } : annotation(),
        truthfulness: { ...annotation(), type: ["1"] },
        helpfulness: { ...annotation(), type: ["2"] },
      },
      critique: text(90),
    });
    yield {
      prompt_id: `prompt-${i}`,
      prompt: text(50),
      source: "flan",
      completions: [completion(), completion(), completion(), completion()],
    };
  }
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
