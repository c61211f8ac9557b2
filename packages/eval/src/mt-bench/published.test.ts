import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { judgeRequest } from "./judge-prompts.ts";
import { scorePairs } from "./pair-score.ts";
import { parseRating, winnerOfGame } from "./parse-judgment.ts";
import type { JudgePrompt, ModelAnswer, PairJudgment, Question, SingleJudgment } from "./rows.ts";
import { scoreSingle } from "./single-score.ts";

const data = join(process.env["ZEPHYR_BENCHMARK_DATA"] ?? join(import.meta.dirname, "../../../../../shared/data"), "mtbench");
const absent = !existsSync(data);

function jsonl<T>(path: string): T[] {
  const bytes = readFileSync(join(data, path));
  const text = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe.skipIf(absent)(`published MT-Bench judgments${absent ? ` (skipped: ${data} is absent)` : ""}`, () => {
  const load = () => ({
    questions: jsonl<Question>("question.jsonl"),
    prompts: jsonl<JudgePrompt>("judge_prompts.jsonl"),
    references: new Map(jsonl<ModelAnswer>("reference_answer/gpt-4.jsonl").map((row) => [row.question_id, row])),
    single: ["mistral-orpo", "phi-3-dpo"].flatMap((name) =>
      jsonl<SingleJudgment>(`model_judgment/${name}_gpt-4_single.jsonl.gz`),
    ),
    pair: jsonl<PairJudgment>("model_judgment/phi-3_vs_phi-3-dpo_gpt-4_pair.jsonl.gz"),
    answersOf: (model: string) =>
      new Map(jsonl<ModelAnswer>(`model_answer/${model}.jsonl.gz`).map((row) => [row.question_id, row])),
  });

  test("every stored rating and verdict is parsed again to the same value", () => {
    const { single, pair } = load();
    expect(single.filter((row) => parseRating(row.judgment) !== row.score)).toEqual([]);
    expect(single).toHaveLength(960);
    for (const row of pair)
      expect([winnerOfGame(row.g1_judgment, 1), winnerOfGame(row.g2_judgment, 2)]).toEqual([row.g1_winner, row.g2_winner]);
  });

  test("single and reference-guided judge prompts come out byte for byte", () => {
    const { questions, prompts, references, single, answersOf } = load();
    const answers = new Map(
      ["mistral-orpo-mix", "mistral-orpo-capybara", "mistral-orpo-trl", "mistral-orpo", "phi-3-dpo"].map((model) => [
        model,
        answersOf(model),
      ]),
    );
    let equal = 0;
    let other = 0;
    for (const row of single) {
      const question = questions.find((one) => one.question_id === row.question_id)!;
      const { prompt, messages } = judgeRequest({
        prompts,
        question,
        turn: row.turn as 1 | 2,
        answers: [answers.get(row.model)!.get(row.question_id)!],
        reference: references.get(row.question_id),
      });
      expect(prompt).toBe(row.judge[1]);
      if (messages[1]!.content === row.user_prompt) equal++;
      // Half of mistral-orpo's judgments belong to another answer file.
      else if (row.model === "mistral-orpo") other++;
      else expect(messages[1]!.content).toBe(row.user_prompt);
    }
    expect([equal, other]).toEqual([800, 160]);
  });

  test("pairwise judge prompts come out byte for byte in both orders", () => {
    const { questions, prompts, references, pair, answersOf } = load();
    const answers = new Map(["phi-3", "phi-3-dpo"].map((model) => [model, answersOf(model)]));
    for (const row of pair) {
      const question = questions.find((one) => one.question_id === row.question_id)!;
      const [one, two] = [answers.get(row.model_1)!.get(row.question_id)!, answers.get(row.model_2)!.get(row.question_id)!];
      const reference = references.get(row.question_id);
      expect(judgeRequest({ prompts, question, turn: 1, answers: [one, two], reference }).messages[1]!.content).toBe(
        row.g1_user_prompt,
      );
      expect(judgeRequest({ prompts, question, turn: 1, answers: [two, one], reference }).messages[1]!.content).toBe(
        row.g2_user_prompt,
      );
    }
  });

  test("averages equal the known ones, with intervals clustered by question", () => {
    const { single, questions } = load();
    const { models, repeated, mismatches } = scoreSingle(single, { questions, repeated: "all" });
    const score = Object.fromEntries(models.map((one) => [one.model, one]));
    expect(score["mistral-orpo-trl"]).toMatchObject({ score: 7.165625, turn_1: 7.73125, turn_2: 6.6, n: 160 });
    expect(score["mistral-orpo-capybara"]!.score).toBeCloseTo(6.81875, 9);
    expect(score["mistral-orpo-mix"]!.score).toBeCloseTo(6.003125, 9);
    expect(score["mistral-orpo"]).toMatchObject({ n: 319, unparsed: 1 });
    expect(score["mistral-orpo"]!.score).toBeCloseTo(5.858934, 6);
    expect(score["phi-3-dpo"]!.score).toBeCloseTo(8.2, 9);
    expect([repeated, mismatches]).toEqual([160, 0]);
    for (const { ci } of models) expect((ci![1] - ci![0]) / 2).toBeGreaterThan(0.4);
    expect(Object.keys(score["phi-3-dpo"]!.categories)).toHaveLength(8);
    expect(scoreSingle(single).models.find((one) => one.model === "mistral-orpo")!.n).toBeLessThanOrEqual(160);
  });

  test("phi-3 against phi-3-dpo: 18 wins, 20 losses, 35 ties, 2 errors, from either side", () => {
    const { pair } = load();
    const [forward] = scorePairs(pair).pairs;
    expect(forward).toMatchObject({ model_1: "phi-3", wins: 18, losses: 20, ties: 35, errors: 2 });
    expect(forward!.win_rate_adjusted).toBeCloseTo(0.4863, 4);
    const [back] = scorePairs(pair, { compare: ["phi-3-dpo", "phi-3"] }).pairs;
    expect(back).toMatchObject({ model_1: "phi-3-dpo", wins: 20, losses: 18 });
    expect(back!.ci![0]).toBeCloseTo(1 - forward!.ci![1], 10);
  });
});
