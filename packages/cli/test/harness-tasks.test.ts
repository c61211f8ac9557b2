import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCommandLine } from "../src/run-command-line.ts";
import { needsDevice } from "../src/testing/needs-device.ts";
import { reference, runCli, temporaryFolder } from "../src/testing/run-cli.ts";

/** The command in this process, which starts none. */
async function run(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = { stdout: "", stderr: "" };
  const into = (name: "stdout" | "stderr") => ({ write: (text: string) => (output[name] += text) });
  const code = await runCommandLine(args, { env: {}, stdout: into("stdout"), stderr: into("stderr"), leave: () => {} });
  return { code, ...output };
}

const write = (path: string, rows: readonly object[]): string => {
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
};
const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A folder with a file for each task, in the columns of its data set on the Hub. */
function dataFolder(): string {
  const folder = join(temporaryFolder(), "data");
  mkdirSync(folder);
  const mmlu = (subject: string, n: number) =>
    numbers(n).map((i) => ({ question: `Is ${i} even?`, choices: ["yes", "no", "maybe", "never"], answer: i % 4, subject }));
  write(join(folder, "mmlu.jsonl"), [...mmlu("anatomy", 3), ...mmlu("virology", 5)]);
  write(
    join(folder, "gsm8k.jsonl"),
    numbers(4).map((i) => ({ question: `${i} and ${i}?`, answer: `Add.\n#### ${2 * i}` })),
  );
  write(
    join(folder, "winogrande.jsonl"),
    numbers(4).map((i) => ({
      sentence: `The cup and box ${i}: the _ broke.`,
      option1: "cup",
      option2: "box",
      answer: `${1 + (i % 2)}`,
    })),
  );
  return folder;
}

describe("zephyr eval harness --tasks", () => {
  it("plans without a model: requests and their hash for each task, rows told apart by subject and by file", async () => {
    const folder = dataFolder();
    const args = ["eval", "harness", "--data", folder, "--shot-data", folder, "--dry-run", "--json"];
    const plan = await run([...args, "--tasks", "mmlu_anatomy,mmlu_virology,winogrande", "--num-fewshot", "1"]);
    expect(plan.code, plan.stderr).toBe(0);
    const { tasks } = JSON.parse(plan.stdout);
    expect(tasks.map(({ task, requests, num_fewshot }: Record<string, unknown>) => [task, requests, num_fewshot])).toEqual([
      ["mmlu_anatomy", 12, 1],
      ["mmlu_virology", 20, 1],
      ["winogrande", 8, 1],
    ]);
    const other = await run([...args, "--tasks", "winogrande", "--num-fewshot", "1", "--parity", "lm-eval-0.4", "--limit", "2"]);
    expect(JSON.parse(other.stdout)).toMatchObject({ task: "winogrande", requests: 4 });
    expect(JSON.parse(other.stdout).requests_sha256).not.toBe(tasks[2].requests_sha256);
    for (const [tasks, message] of [
      ["gsm8k", /gsm8k has none/],
      ["arc_challenge", /no file for arc_challenge/],
      ["mmlu_marketing", /no row with subject "marketing"/],
      ["chess", /there is no task "chess".*gsm8k/],
    ] as const) {
      const refused = await run([...args, "--tasks", tasks]);
      expect(refused.code, refused.stderr).toBe(2);
      expect(`${refused.stderr}${refused.stdout}`).toMatch(message);
    }
  });

  it("scores choices and written answers of a local model, averages MMLU, and the report says whose rules they are", async (context) => {
    await needsDevice(context);
    const folder = dataFolder();
    const output = join(temporaryFolder(), "run");
    const args = ["eval", "harness", "--model", reference("mistral"), "--data", folder, "--num-fewshot", "0"];
    const tasks = ["--tasks", "mmlu_anatomy,mmlu_virology,gsm8k", "--parity", "lm-eval-0.4", "--tokens-per-batch", "512"];
    const ran = await runCli([...args, ...tasks, "--bos", "off", "--output", output, "--json"]);
    expect(ran.code, ran.stderr).toBe(0);
    const { results, groups, gsm8k } = JSON.parse(ran.stdout);
    expect(results.map(({ task, n }: Record<string, unknown>) => [task, n])).toEqual([
      ["mmlu_anatomy", 3],
      ["mmlu_virology", 5],
      ["gsm8k", 4],
    ]);
    expect(groups.mmlu.n).toBe(8);
    expect(groups.mmlu.weighted).toBeCloseTo((3 * results[0].acc + 5 * results[1].acc) / 8, 12);
    expect(gsm8k).toMatchObject({
      exact_match: 0,
      num_fewshot: 0,
      bos: "off",
      parity: "lm-eval-0.4",
      main_metric: "exact_match",
    });
    expect((await runCli(["report", output, "--title", "My <tasks>"])).code).toBe(0);
    const page = readFileSync(join(output, "report.html"), "utf8");
    for (const text of [
      "Order and shots as lm-eval-0.4. BOS before each context: off.",
      "exact_match",
      "<h1>My &lt;tasks&gt;</h1>",
    ])
      expect(page.includes(text), text).toBe(true);
  });
});
