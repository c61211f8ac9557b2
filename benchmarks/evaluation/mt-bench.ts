import {
  type JudgePrompt,
  judgeRequest,
  type ModelAnswer,
  type PairJudgment,
  parseRating,
  type Question,
  type SingleJudgment,
  winnerOfGame,
} from "@zephyr/eval";
import { jsonl } from "./files.ts";
import type { Measured } from "./measured.ts";

const ANSWERED = ["mistral-orpo-mix", "mistral-orpo-capybara", "mistral-orpo-trl", "mistral-orpo", "phi-3-dpo", "phi-3"];

/** Stored judgments parsed again, and the judge's prompts rebuilt from questions, answers and references. */
export async function mtBench(): Promise<Measured[]> {
  const single = ["mistral-orpo", "phi-3-dpo"].flatMap((name) =>
    jsonl<SingleJudgment>(`mtbench/model_judgment/${name}_gpt-4_single.jsonl.gz`),
  );
  const pair = jsonl<PairJudgment>("mtbench/model_judgment/phi-3_vs_phi-3-dpo_gpt-4_pair.jsonl.gz");
  const prompt = promptBuilder();
  const ratings = single.filter((row) => parseRating(row.judgment) !== row.score).length;
  const verdicts = pair.filter(
    (row) => winnerOfGame(row.g1_judgment, 1) !== row.g1_winner || winnerOfGame(row.g2_judgment, 2) !== row.g2_winner,
  ).length;
  const differing = single.filter((row) => prompt(row, [row.model]) !== row.user_prompt);
  // mistral-orpo was judged twice, on two sets of answers of which one is published.
  const other = differing.filter((row) => row.model === "mistral-orpo").length;
  const games = pair.flatMap((row) => [
    prompt(row, [row.model_1, row.model_2]) === row.g1_user_prompt,
    prompt(row, [row.model_2, row.model_1]) === row.g2_user_prompt,
  ]);
  return [
    {
      what: `ratings and verdicts that differ, of ${single.length} gradings and ${2 * pair.length} games`,
      measured: ratings + verdicts,
      bar: 0,
    },
    {
      what: `grading prompts that differ by a byte, of ${single.length - other} (${other} belong to answers that are not published)`,
      measured: differing.length - other,
      bar: 0,
    },
    { what: `pair prompts that differ by a byte, of ${games.length}`, measured: games.filter((same) => !same).length, bar: 0 },
  ];
}

function promptBuilder() {
  const questions = new Map(jsonl<Question>("mtbench/question.jsonl").map((row) => [row.question_id, row]));
  const references = new Map(jsonl<ModelAnswer>("mtbench/reference_answer/gpt-4.jsonl").map((row) => [row.question_id, row]));
  const prompts = jsonl<JudgePrompt>("mtbench/judge_prompts.jsonl");
  const answers = new Map(
    ANSWERED.map((model) => [
      model,
      new Map(jsonl<ModelAnswer>(`mtbench/model_answer/${model}.jsonl.gz`).map((row) => [row.question_id, row])),
    ]),
  );
  return ({ question_id, turn }: { question_id: number; turn: number }, models: string[]) =>
    judgeRequest({
      prompts,
      question: questions.get(question_id)!,
      turn: turn as 1 | 2,
      answers: models.map((model) => answers.get(model)!.get(question_id)!),
      reference: references.get(question_id),
    }).messages[1]!.content;
}
