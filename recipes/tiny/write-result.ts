import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import { collectRows, readRows } from "@zephyr/data";
import { type Answer, report, trainingCurves } from "@zephyr/eval";
import { type Device, readLog } from "@zephyr/train-webgpu";
import { type Evaluation, SYSTEMS, type SystemResult } from "./evaluate-systems.ts";
import { type Stages, writeWhole } from "./stages.ts";

export interface DemoResult {
  adapter: string;
  commit: string;
  seconds: number;
  peak_memory_mib: number;
  prompts: number;
  systems: SystemResult[];
  comparisons: {
    a: string;
    b: string;
    win_rate: number | null;
    ci95: [number, number] | null;
    wins: number;
    losses: number;
    ties: number;
  }[];
  stages: { name: string; seconds: number; note: string }[];
}

/** Writes `result.json` and `report.html`, and prints the table. */
export async function writeResult(
  output: string,
  { device, stages, evaluation }: { device: Device; stages: Stages; evaluation: Evaluation },
): Promise<void> {
  const records = stages.records();
  const result: DemoResult = {
    adapter: device.adapter.description || device.adapter.architecture,
    commit: commit(),
    seconds: Math.round(records.reduce((sum, { seconds }) => sum + seconds, 0) * 10) / 10,
    peak_memory_mib: stages.peakMemoryMib(),
    prompts: evaluation.prompts,
    systems: evaluation.systems,
    comparisons: evaluation.comparisons.map(({ a, b, win_rate, ci95, wins, losses, ties }) => ({
      a,
      b,
      win_rate,
      ci95,
      wins,
      losses,
      ties,
    })),
    stages: records,
  };
  writeWhole(join(output, "result.json"), `${JSON.stringify(result, null, 2)}\n`);
  writeWhole(join(output, "report.html"), await page(output, result));
  process.stdout.write(`\n${table(result)}\n\nreport: ${join(output, "report.html")}\nresult: ${join(output, "result.json")}\n`);
}

const percent = (rate: number): string => (100 * rate).toFixed(1);
const interval = ([lo, hi]: [number, number]): string => `[${percent(lo)}, ${percent(hi)}]`;

/** The shape of the paper's Table 3: what each stage adds. */
function table({ systems, comparisons, prompts, adapter, commit: revision, seconds, peak_memory_mib }: DemoResult): string {
  const lines = [
    "system               rating 1-5          wins against dSFT, %      reward accuracy, %",
    ...["dDPO without dSFT", "dSFT", "dDPO + dSFT"].map((name) => {
      const system = systems.find((one) => one.name === name)!;
      const [lo, hi] = system.rating_ci95;
      const rating = `${system.rating.toFixed(2)} [${lo.toFixed(2)}, ${hi.toFixed(2)}]`;
      const wins = name === "dSFT" ? "-" : `${percent(system.win_rate)} ${interval(system.ci95)}`;
      const accuracy =
        system.reward_accuracy === undefined
          ? "-"
          : `${percent(system.reward_accuracy)} ${interval(system.reward_accuracy_ci95!)}`;
      return `${name.padEnd(20)} ${rating.padEnd(19)} ${wins.padEnd(25)} ${accuracy}`;
    }),
    "",
    ...comparisons.map(({ a, b, win_rate, ci95, wins, losses, ties }) => {
      return `${a} against ${b}: ${percent(win_rate ?? Number.NaN)}% ${ci95 ? interval(ci95) : ""}  ${wins} won, ${ties} tied, ${losses} lost`;
    }),
    "",
    `${prompts} held-out prompts, judged in both orders, 95% intervals. ${adapter}, ${cpus().length} cores, commit ${revision.slice(0, 8)}, ${seconds} s, ${peak_memory_mib} MiB.`,
  ];
  return lines.join("\n");
}

async function page(output: string, result: DemoResult): Promise<string> {
  const runs = [
    { name: "dSFT", folder: "dsft" },
    { name: "dDPO + dSFT", folder: "ddpo" },
    { name: "dDPO without dSFT", folder: "ddpo-without-dsft" },
  ];
  const logs = await Promise.all(
    runs.map(async ({ name, folder }) => ({ name, rows: await readLog(join(output, folder, "log_history.jsonl")) })),
  );
  const best = result.comparisons[0]!;
  return report({
    title: "Zephyr's recipe on the tiny world",
    summary: `dDPO + dSFT wins ${percent(best.win_rate ?? Number.NaN)}% against dSFT on ${result.prompts} held-out prompts. The judge is a rule-based rater, not a language model.`,
    tables: [resultTable(result)],
    comparisons: result.comparisons,
    curves: trainingCurves(logs),
    samples: await samples(output),
    stages: result.stages,
    facts: {
      adapter: result.adapter,
      commit: result.commit,
      seconds: result.seconds,
      "peak memory, MiB": result.peak_memory_mib,
    },
  });
}

function resultTable({ systems }: DemoResult) {
  return {
    title: "What each stage adds",
    note: "The shape of the paper's Table 3. Ratings are the mean of four aspects; wins count ties half.",
    columns: [
      { key: "name", label: "System" },
      { key: "rating", label: "Rating, 1 to 5", kind: "number" as const, digits: 2, best: "max" as const },
      { key: "win_rate", label: "Wins against dSFT, %", kind: "percent" as const, digits: 1, best: "max" as const },
      { key: "reward_accuracy", label: "Reward accuracy, %", kind: "percent" as const, digits: 1, best: "max" as const },
    ],
    rows: systems.map(({ name, rating, rating_ci95, win_rate, ci95, reward_accuracy, reward_accuracy_ci95 }) => ({
      name,
      rating: { value: rating, ci: rating_ci95 },
      win_rate: name === "dSFT" ? null : { value: win_rate, ci: ci95 },
      reward_accuracy: reward_accuracy === undefined ? null : { value: reward_accuracy, ci: reward_accuracy_ci95 ?? null },
    })),
    highlight: [systems.length - 1],
  };
}

/** The first held-out prompt of every kind, answered by every system. */
async function samples(output: string) {
  const sets = await Promise.all(
    SYSTEMS.map(async ({ name, folder }) => ({
      name,
      answers: await collectRows(readRows<Answer & { source?: string }>(join(output, `data/answers-${folder}.jsonl`))),
    })),
  );
  const seen = new Set<string | undefined>();
  return sets[0]!.answers.flatMap(({ prompt, source }, index) => {
    if (seen.has(source)) return [];
    seen.add(source);
    const text = typeof prompt === "string" ? prompt : prompt.map(({ role, content }) => `${role}: ${content}`).join("\n");
    return [
      {
        prompt: text,
        ...(source !== undefined && { label: source }),
        answers: sets.map(({ name, answers }) => ({ name, content: answers[index]!.content })),
      },
    ];
  });
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "unknown";
  }
}
