import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { countingJudge, runUntil } from "./killed-judging.ts";

/** What came of a judging run that was killed, against one that was not. */
export interface JudgedTwice {
  /** Calls of the run that nobody killed. */
  needed: number;
  calls: number;
  kills: number;
  repeated: number;
  sameResult: boolean;
}

const ROWS = 40;
const CONCURRENCY = 4;
const RESULTS = { alpaca: ["eval-alpaca.json", "annotations.json"], "mt-bench": ["eval-mt-bench.json", "judgments.jsonl"] };

/** Judges once undisturbed and once killed with SIGKILL whenever `killAt` calls have come, then compares the results byte by byte. */
export async function judgedTwice(kind: "alpaca" | "mt-bench", folder: string, killAt: readonly number[]): Promise<JudgedTwice> {
  const digest = (text: string) => createHash("sha256").update(text).digest()[0]!;
  const verdict = (prompt: string) =>
    kind === "alpaca"
      ? `[{'model': 'model_1', 'rank': ${1 + (digest(prompt) % 2)}}, {'model': 'model_2', 'rank': ${2 - (digest(prompt) % 2)}}]`
      : `Fine. Rating: [[${1 + (digest(prompt) % 10)}]]`;
  const inputs = writeInputs(kind, folder);
  const run = async (name: string, kills: readonly number[]) => {
    await using judge = await countingJudge(verdict, 150);
    const config = join(folder, `${name}.json`);
    const model = { name: "judge", base_url: judge.baseUrl, model: "judge", max_concurrency: CONCURRENCY };
    writeFileSync(config, JSON.stringify({ judge: model }));
    const output = join(folder, name);
    const args = ["eval", kind, ...inputs, "--config", config, "--output", output];
    for (const at of kills) await runUntil(args, judge, at);
    const { code, stderr } = await runUntil(args, judge);
    if (code !== 0) throw new Error(`judgedTwice: eval ${kind} ended with exit code ${code}: ${stderr.slice(-400)}`);
    const files = RESULTS[kind].map((file) => readFileSync(join(output, file), "utf8"));
    return { files, calls: judge.calls(), repeated: judge.repeated() };
  };
  const whole = await run("whole", []);
  const killed = await run("killed", killAt);
  return {
    needed: whole.calls,
    calls: killed.calls,
    kills: killAt.length,
    repeated: killed.repeated,
    sameResult: whole.files.every((text, i) => text === killed.files[i]),
  };
}

/** The most calls that a killed run may make: what was on the wire at a kill is sent again. */
export const mostCalls = ({ needed, kills }: JudgedTwice): number => needed + kills * CONCURRENCY;

function writeInputs(kind: "alpaca" | "mt-bench", folder: string): string[] {
  const write = (name: string, rows: readonly object[]): string => {
    const path = join(folder, name);
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    return path;
  };
  const numbers = Array.from({ length: ROWS }, (_, i) => i);
  if (kind === "alpaca") {
    const outputs = (generator: string) =>
      numbers.map((i) => ({ instruction: `task ${i}`, output: `${generator} ${i}`, generator }));
    return [
      "--model-outputs",
      write("model.jsonl", outputs("ours")),
      "--reference-outputs",
      write("base.jsonl", outputs("base")),
    ];
  }
  const questions = numbers.map((i) => ({ question_id: 81 + i, category: "writing", turns: [`first ${i}`, `second ${i}`] }));
  const answers = numbers.map((i) => ({
    question_id: 81 + i,
    model_id: "ours",
    choices: [{ index: 0, turns: [`a ${i}`, `b ${i}`] }],
  }));
  const prompt = (name: string, prompt_template: string) => ({
    name,
    system_prompt: "Judge.",
    prompt_template,
    output_format: "[[rating]]",
  });
  const prompts = [
    prompt("single-v1", "{question} / {answer}"),
    prompt("single-v1-multi-turn", "{question_1} / {answer_1} / {question_2} / {answer_2}"),
  ];
  return [
    ...["--questions", write("questions.jsonl", questions), "--model-answers", write("answers.jsonl", answers)],
    ...["--judge-prompts", write("prompts.jsonl", prompts), "--reference-answers", write("references.jsonl", [])],
  ];
}
