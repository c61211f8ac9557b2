import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { runCommandLine } from "../src/run-command-line.ts";
import { temporaryFolder } from "../src/testing/run-cli.ts";

/** The command in this process, which starts none. */
async function run(...args: string[]) {
  const output = { stdout: "", stderr: "" };
  const into = (name: "stdout" | "stderr") => ({ write: (text: string) => (output[name] += text) });
  const code = await runCommandLine(args, { env: {}, stdout: into("stdout"), stderr: into("stderr"), leave: () => {} });
  return { code, ...output };
}
async function result(...args: string[]) {
  const { code, stdout, stderr } = await run(...args, "--json");
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

/** A judge that sees each prompt; `reply` makes its text and log-probabilities. */
async function startJudge(reply: (prompt: string) => string) {
  const prompts: string[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request) text += part;
    const { model, messages } = JSON.parse(text);
    prompts.push(messages.map(({ content }: { content: string }) => content).join("\n"));
    const top_logprobs = [
      { token: "m", logprob: Math.log(0.9) },
      { token: "M", logprob: Math.log(0.1) },
    ];
    const logprobs = { content: [{ token: "m", logprob: Math.log(0.9), top_logprobs }] };
    const message = { role: "assistant", content: reply(messages.at(-1).content) };
    response.setHeader("content-type", "application/json");
    const usage = { prompt_tokens: 100, completion_tokens: 10 };
    response.end(JSON.stringify({ model, choices: [{ message, logprobs, finish_reason: "stop" }], usage }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  return { prompts, base_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
}

const write = (path: string, rows: readonly object[]): string => {
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
};
const config = (path: string, name: string, base_url: string, more: object = {}): string => {
  const price = { input_per_million: 10, output_per_million: 30 };
  writeFileSync(path, JSON.stringify({ judge: { name, base_url, model: name, price }, ...more }));
  return path;
};
const numbers = [0, 1, 2, 3, 4, 5];

describe("zephyr eval alpaca, live", () => {
  const files = (folder: string): string[] => {
    const outputs = (generator: string) =>
      numbers.map((i) => ({ instruction: `task ${i}`, output: `${generator} ${i}`, generator }));
    return [
      ...["--model-outputs", write(join(folder, "model.jsonl"), outputs("ours"))],
      ...["--reference-outputs", write(join(folder, "base.jsonl"), outputs("base"))],
    ];
  };

  it("previews the cost, keeps to the budget, asks a second judge, and uses the template given", async () => {
    const folder = temporaryFolder();
    const ranking = (first: number) => () =>
      `[{'model': 'model_1', 'rank': ${first}}, {'model': 'model_2', 'rank': ${3 - first}}]`;
    const [one, two] = [await startJudge(ranking(1)), await startJudge(ranking(2))];
    const first = config(join(folder, "one.json"), "one", one.base_url, { budget_usd: 5 });
    const second = config(join(folder, "two.json"), "two", two.base_url);
    const template = join(folder, "template.txt");
    writeFileSync(template, "<|im_start|>user\nTEMPLATE {instruction} | {output_1} | {output_2}\n<|im_end|>");
    const output = join(folder, "run");
    const args = ["eval", "alpaca", ...files(folder), "--config", first, "--second-judge", second, "--judge-template", template];
    const preview = await result(...args, "--dry-run");
    expect(preview).toMatchObject({
      requests: 12,
      judges: [
        { judge: "one", budget_usd: 5 },
        { judge: "two", budget_usd: null },
      ],
    });
    // A ranking is at most 100 tokens, as a usual one is taken to be.
    expect(preview.cost_usd[1]).toBeCloseTo((preview.prompt_tokens * 10 + 1200 * 30) / 1e6, 12);
    expect(one.prompts).toEqual([]);
    const found = await result(...args, "--output", output);
    expect([one.prompts.length, two.prompts.length]).toEqual([6, 6]);
    expect(one.prompts.every((prompt) => /^TEMPLATE task \d \| (ours|base) \d \| (ours|base) \d$/.test(prompt))).toBe(true);
    expect(found).toMatchObject({ model: "ours", n_total: 6, audit: { first_share: 1 }, agreement: { n: 6, agreement: 0 } });
    expect(found.win_rate + found.second.win_rate).toBeCloseTo(100, 9);
    expect(JSON.parse(readFileSync(join(output, "eval-alpaca.json"), "utf8"))).toEqual(found);
    expect((await run(...args, "--output", output)).stderr).toContain("--overwrite");
    expect(await result(...args, "--output", output, "--overwrite")).toEqual(found);
    expect(await result(...args, "--output", output, "--resume")).toEqual(found);
    expect([one.prompts.length, two.prompts.length]).toEqual([6, 6]);
    const stored = await result(
      ...["eval", "alpaca", "--annotations", join(output, "annotations.json")],
      ...["--second-annotations", join(output, "second-annotations.json")],
    );
    expect(stored).toMatchObject({ win_rate: found.win_rate, agreement: found.agreement });
    const poor = config(join(folder, "poor.json"), "one", one.base_url, { budget_usd: 0.0001 });
    const broke = await run("eval", "alpaca", ...files(folder), "--config", poor, "--output", join(folder, "poor"));
    expect(broke).toMatchObject({ code: 1, stderr: expect.stringContaining("budget") });
    expect(one.prompts).toHaveLength(6);
    const same = await run(
      ...["eval", "alpaca", ...files(folder), "--config", first, "--second-judge", first],
      "--output",
      join(folder, "x"),
    );
    expect(same).toMatchObject({ code: 2, stderr: expect.stringContaining("again") });
  });

  it("--kind logprobs turns the first token's probabilities into soft preferences", async () => {
    const folder = temporaryFolder();
    const judge = await startJudge(() => "m");
    const args = ["eval", "alpaca", ...files(folder), "--config", config(join(folder, "c.json"), "j", judge.base_url)];
    expect(await result(...args, "--kind", "logprobs", "--dry-run")).toMatchObject({ requests: 6 });
    const output = join(folder, "run");
    const found = await result(...args, "--kind", "logprobs", "--output", output);
    const annotations: { preference: number }[] = JSON.parse(readFileSync(join(output, "annotations.json"), "utf8"));
    for (const { preference } of annotations) expect(Math.min(preference - 1, 2 - preference)).toBeCloseTo(0.1, 9);
    expect(found).toMatchObject({ n_total: 6, n_draws: 0 });
    expect((await run("eval", "alpaca", "--config", join(folder, "c.json"))).stderr).toContain("--annotations is missing");
  });
});

function templateOf(name: string): string {
  const [mode, field] = name.startsWith("single") ? ["S", "answer"] : ["P", "answer_a"];
  return name.endsWith("multi-turn")
    ? `${mode} {${field}_1} ref {ref_answer_1}, {${field}_2}`
    : `${mode} {${field}} ref {ref_answer_1}`;
}

describe("zephyr eval mt-bench, live", () => {
  const files = (folder: string): string[] => {
    const questions = numbers.map((i) => ({ question_id: 101 + i, category: "math", turns: [`first ${i}`, `second ${i}`] }));
    const answers = (model_id: string, ids = numbers) =>
      ids.map((i) => ({
        question_id: 101 + i,
        model_id,
        choices: [{ index: 0, turns: [`${model_id} a${i}`, `${model_id} b${i}`] }],
      }));
    const both = ["single-math-v1", "pair-math-v1"].flatMap((name) => [name, `${name}-multi-turn`]);
    const prompts = both.map((name) => ({
      ...{ name, system_prompt: "Judge.", output_format: "" },
      prompt_template: templateOf(name),
    }));
    return [
      ...["--questions", write(join(folder, "q.jsonl"), questions), "--judge-prompts", write(join(folder, "p.jsonl"), prompts)],
      ...["--reference-answers", write(join(folder, "r.jsonl"), answers("wrong"))],
      ...["--corrected-references", write(join(folder, "c.jsonl"), answers("right", [0, 1]))],
      ...["--model-answers", write(join(folder, "x.jsonl"), answers("x")), write(join(folder, "y.jsonl"), answers("y"))],
    ];
  };

  it("grades with two judges, compares two models, uses corrected references, and names a flag that is missing", async () => {
    const folder = temporaryFolder();
    const judge = (bonus: number) => startJudge((prompt) => `Rating: [[${(prompt.includes("S x") ? 7 : 4) + bonus}]]`);
    const [one, two] = [await judge(0), await judge(1)];
    const output = join(folder, "run");
    const configs = ["--config", config(join(folder, "1.json"), "one", one.base_url)];
    const args = ["eval", "mt-bench", ...files(folder), ...configs];
    expect(await result(...args, "--dry-run")).toMatchObject({ requests: 24 });
    const second = ["--second-judge", config(join(folder, "2.json"), "two", two.base_url)];
    const found = await result(...args, ...second, "--compare", "x,y", "--output", output);
    expect(found.models.map(({ model, score }: Record<string, unknown>) => [model, score])).toEqual([
      ["x", 7],
      ["y", 4],
    ]);
    expect(found).toMatchObject({ difference: { difference: 3, n: 12 }, agreement: { n: 24, difference: -1, within_one: 1 } });
    expect(one.prompts.filter((prompt) => prompt.includes("ref right"))).toHaveLength(8);
    expect(one.prompts.filter((prompt) => prompt.includes("ref wrong"))).toHaveLength(16);
    expect((await run("report", output)).code).toBe(0);
    const page = readFileSync(join(output, "report.html"), "utf8");
    for (const text of ["A second judge beside the first", "x minus y", "first 3", "x b3"])
      expect(page.includes(text), text).toBe(true);
    const stored = ["eval", "mt-bench", "--judgments", join(output, "judgments.jsonl")];
    expect(await result(...stored, "--second-judgments", join(output, "second-judgments.jsonl"))).toMatchObject({
      agreement: found.agreement,
    });
    expect(await run(...stored, "--compare", "x,y,z")).toMatchObject({ code: 2, stderr: expect.stringContaining("give two") });
    const missing = await run("eval", "mt-bench", ...configs, "--questions", join(folder, "q.jsonl"));
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining("--judge-prompts") });
  });

  it("--judging pair asks in both orders, against the baseline alone if there is one, and audits the judge", async () => {
    const folder = temporaryFolder();
    const judge = await startJudge(() => "The first. [[A]]");
    const args = ["eval", "mt-bench", ...files(folder), "--config", config(join(folder, "1.json"), "one", judge.base_url)];
    const found = await result(...args, "--judging", "pair", "--baseline", "y", "--output", join(folder, "run"));
    expect(judge.prompts).toHaveLength(24);
    expect(found.pairs).toMatchObject([{ model_1: "x", model_2: "y", ties: 12, wins: 0, losses: 0 }]);
    expect(found.audit).toMatchObject({ position: { first: 24, second: 0 }, both_first: 12, consistency: 0, first_share: 1 });
    const wrong = await run(...args, "--judging", "pair", "--baseline", "z", "--output", join(folder, "z"));
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('"z" has no answers') });
  });

  const data = join(process.env["ZEPHYR_BENCHMARK_DATA"] ?? join(import.meta.dirname, "../../../../shared/data"), "mtbench");
  it.skipIf(!existsSync(data))("--mt-bench-data is MT-Bench's own folder: 160 gradings of a model's answers", async () => {
    const folder = temporaryFolder();
    const answers = join(data, "model_answer/phi-3-dpo.jsonl.gz");
    const judge = config(join(folder, "1.json"), "one", "http://127.0.0.1:9/v1");
    const args = ["eval", "mt-bench", "--mt-bench-data", data, "--model-answers", answers, "--config", judge, "--dry-run"];
    expect(await result(...args)).toMatchObject({ requests: 160 });
    expect((await result(...args)).prompt_tokens).toBeGreaterThan(100_000);
  });
});
