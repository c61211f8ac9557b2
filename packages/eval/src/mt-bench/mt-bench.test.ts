import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Generate, Message } from "@zephyr/data";
import { expect, test } from "vitest";
import { answerQuestions } from "./answer-questions.ts";
import { compareScores } from "./compare-scores.ts";
import { fetchMtBenchFiles } from "./fetch-files.ts";
import { gradeAnswers, judgePairs } from "./judge-answers.ts";
import { judgeRequest, promptName } from "./judge-prompts.ts";
import { scorePairs } from "./pair-score.ts";
import { parsePairVerdict, parseRating } from "./parse-judgment.ts";
import { type ModelAnswer, type PairJudgment, type Question, type SingleJudgment, temperatureOf } from "./rows.ts";
import { scoreSingle } from "./single-score.ts";

const PROMPTS = [
  { name: "single-v1", system_prompt: "s", prompt_template: "Q {question} A {answer} {{kept}}", output_format: "[[rating]]" },
  {
    name: "single-v1-multi-turn",
    system_prompt: "s",
    prompt_template: "{question_1}|{answer_1}|{question_2}|{answer_2}",
    output_format: "[[rating]]",
  },
  {
    name: "single-math-v1",
    system_prompt: "s",
    prompt_template: "{question}|{ref_answer_1}|{answer}",
    output_format: "[[rating]]",
  },
  {
    name: "single-math-v1-multi-turn",
    system_prompt: "s",
    prompt_template: "{ref_answer_2}|{answer_2}",
    output_format: "[[rating]]",
  },
  { name: "pair-v2", system_prompt: "s", prompt_template: "{question}|{answer_a}|{answer_b}", output_format: "[[A]]" },
  { name: "pair-v2-multi-turn", system_prompt: "s", prompt_template: "{answer_a_2}|{answer_b_2}", output_format: "[[A]]" },
];
const QUESTIONS: Question[] = [
  { question_id: 81, category: "writing", turns: ["one", "two"] },
  { question_id: 111, category: "math", turns: ["1+1", "2+2"] },
];
const answer = (model_id: string, question_id: number, ...turns: string[]): ModelAnswer => ({
  question_id,
  model_id,
  choices: [{ index: 0, turns }],
});
const reply = (content: string) => ({ content, model: "j", finishReason: "stop" });

test("the first doubled bracket counts, then the first single one, then nothing", () => {
  expect(parseRating("see [3] but Rating: [[8.5]] or [[2]]")).toBe(8.5);
  expect(parseRating("Rating: [7]")).toBe(7);
  expect(parseRating("Rating: [[10.]]")).toBe(10);
  for (const text of ["8", "[[ 8 ]]", "[[-3]]", "[[8/10]]", ""]) expect(parseRating(text)).toBe(-1);
  expect(["[[B]] over [[A]]", "[[B]] not [[C]]", "[[C]]", "[A]"].map(parsePairVerdict)).toEqual(["A", "B", "tie", "error"]);
});

test("prompts follow mode, turn and category; temperatures follow category", () => {
  expect(promptName("single", 1, "writing")).toBe("single-v1");
  expect(promptName("single", 2, "coding")).toBe("single-math-v1-multi-turn");
  expect(promptName("pair", 1, "stem")).toBe("pair-v2");
  expect(promptName("pair", 2, "reasoning")).toBe("pair-math-v1-multi-turn");
  expect(["writing", "math", "stem", "unheard of"].map(temperatureOf)).toEqual([0.7, 0, 0.1, 0.7]);
});

test("fields in an answer are not filled a second time; unknown fields, prompts, turns and references are named", () => {
  const request = (over: object) =>
    judgeRequest({
      prompts: PROMPTS,
      question: QUESTIONS[0]!,
      turn: 1,
      answers: [answer("m", 81, "{question} {x}", "b")],
      ...over,
    });
  expect(request({}).messages[1]!.content).toBe("Q one A {question} {x} {kept}");
  expect(() => request({ prompts: [] })).toThrow(/no judge prompt "single-v1"/);
  expect(() => request({ question: QUESTIONS[1]! })).toThrow(/question 111 \(math\) has no reference/);
  expect(() => request({ turn: 2, answers: [answer("m", 81, "only one")] })).toThrow(/"m" to question 81 has no turn 2/);
  expect(() => request({ prompts: [{ ...PROMPTS[0]!, prompt_template: "{nonsense}" }] })).toThrow(/field \{nonsense\}/);
});

test("a repeated grading counts once, the last wins, and unparsed ones stay out", () => {
  const row = (question_id: number, turn: number, judgment: string): SingleJudgment => ({
    question_id,
    model: "m",
    judge: ["j", "p"],
    judgment,
    score: parseRating(judgment),
    turn,
  });
  const rows = [
    row(81, 1, "[[2]]"),
    row(81, 2, "[[6]]"),
    row(111, 1, "[[4]]"),
    row(81, 1, "[[8]]"),
    row(111, 2, "none"),
    { ...row(82, 1, "[[9]]"), score: 3 },
  ];
  const { models, repeated, mismatches } = scoreSingle(rows);
  expect(models[0]).toMatchObject({
    score: 27 / 4,
    n: 4,
    unparsed: 1,
    turn_1: 7,
    turn_2: 6,
    categories: { writing: 23 / 3, math: 4 },
  });
  expect(models[0]!.score_without_wrong_references).toBeCloseTo(23 / 3, 12);
  expect([repeated, mismatches]).toEqual([1, 1]);
  expect(scoreSingle(rows, { repeated: "all" }).models[0]).toMatchObject({ score: 29 / 5, n: 5 });
  expect(scoreSingle([row(81, 1, "no rating")]).models[0]).toMatchObject({ score: null, ci: null, unparsed: 1 });
});

test("pair results merge both spellings of a pair and refuse pairs never judged", () => {
  const row = (question_id: number, model_1: string, model_2: string, g1: string, g2: string): PairJudgment => ({
    question_id,
    model_1,
    model_2,
    g1_winner: "tie",
    g2_winner: "tie",
    judge: ["j", "p"],
    g1_judgment: g1,
    g2_judgment: g2,
    turn: 1,
  });
  const rows = [
    row(81, "x", "y", "[[A]]", "[[B]]"),
    row(82, "y", "x", "[[A]]", "[[B]]"),
    row(83, "x", "y", "[[A]]", "[[A]]"),
    row(84, "x", "y", "?", "[[A]]"),
    row(81, "x", "y", "[[A]]", "[[B]]"),
  ];
  expect(scorePairs(rows)).toMatchObject({
    repeated: 1,
    pairs: [{ model_1: "x", wins: 1, losses: 1, ties: 1, errors: 1, win_rate: 1 / 3, win_rate_adjusted: 0.5 }],
  });
  expect(() => scorePairs(rows, { compare: ["x", "z"] })).toThrow(/"x" and "z" were never compared; the file holds x,y/);
});

test("the second turn is asked with the first answer in the conversation, at the category's temperature", async () => {
  const seen: [Message[], number | undefined][] = [];
  const generate: Generate = async (messages, options) => {
    seen.push([messages, options?.temperature]);
    return reply(` answer to ${messages.at(-1)!.content}\n`);
  };
  const answers = await answerQuestions({ questions: QUESTIONS, generate, modelId: "m" });
  expect(answers[1]).toEqual(answer("m", 111, "answer to 1+1", "answer to 2+2"));
  expect(seen.find(([messages]) => messages.at(-1)!.content === "2+2")).toEqual([
    [
      { role: "user", content: "1+1" },
      { role: "assistant", content: "answer to 1+1" },
      { role: "user", content: "2+2" },
    ],
    0,
  ]);
  const failing: Generate = async ([first]) => (first!.content === "1+1" ? Promise.reject(new Error("503")) : reply("x"));
  await expect(answerQuestions({ questions: QUESTIONS, generate: failing, modelId: "m" })).rejects.toThrow(
    /question 111, turn 1 .* 503/,
  );
});

test("live grading fills judgments that score the same when read back, and a failed call is no rating", async () => {
  const answers = ["x", "y"].flatMap((model) => QUESTIONS.map((question) => answer(model, question.question_id, "a", "b")));
  const references = [answer("j", 111, "2", "4")];
  const judge: Generate = async (messages) =>
    messages[1]!.content === "4|b"
      ? Promise.reject(new Error("429"))
      : reply(messages[1]!.content.includes("|") ? "[[4]]" : "[[9]]");
  const judgments = await gradeAnswers({ questions: QUESTIONS, answers, references, prompts: PROMPTS, judge, judgeName: "j" });
  expect(judgments).toHaveLength(8);
  expect(scoreSingle(judgments).models[0]).toMatchObject({ score: 17 / 3, n: 3, unparsed: 1 });
  await expect(
    gradeAnswers({ questions: QUESTIONS, answers: answers.slice(1), references, prompts: PROMPTS, judge, judgeName: "j" }),
  ).rejects.toThrow(/"x" has no answer to question 81/);
});

test("live pairs are judged in both orders against the baseline", async () => {
  const answers = ["good", "bad", "base"].map((model) => answer(model, 81, model, model));
  const better = ["bad", "base", "good"];
  const judge: Generate = async (messages) => {
    const [a, b] = messages[1]!.content.split("|").slice(-2);
    return reply(better.indexOf(a!) > better.indexOf(b!) ? "[[A]]" : "[[B]]");
  };
  const options = { questions: [QUESTIONS[0]!], answers, references: [], prompts: PROMPTS, judge, judgeName: "j" };
  const { pairs } = scorePairs(await judgePairs({ ...options, baseline: "base" }));
  expect(pairs.map(({ model_1, model_2, win_rate_adjusted }) => [model_1, model_2, win_rate_adjusted])).toEqual([
    ["bad", "base", 0],
    ["good", "base", 1],
  ]);
  expect(scorePairs(await judgePairs(options)).pairs).toHaveLength(3);
  await expect(judgePairs({ ...options, baseline: "gpt" })).rejects.toThrow(/baseline "gpt" has no answers/);
});

test("fetched files are checked by their sum, and a wrong one leaves nothing behind", async () => {
  const folder = mkdtempSync(join(tmpdir(), "zephyr-mtbench-"));
  const server = createServer((_, response) => response.end("not the file"));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", () => listening()));
  const baseUrl = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  try {
    await expect(fetchMtBenchFiles(folder, { baseUrl })).rejects.toThrow(
      /question\.jsonl has SHA-256 [0-9a-f]{64}, expected 119565ad/,
    );
    writeFileSync(join(folder, "question.jsonl"), "{}");
    await expect(fetchMtBenchFiles(folder, { baseUrl })).rejects.toThrow(/remove it and fetch again/);
    expect(readFileSync(join(folder, "question.jsonl"), "utf8")).toBe("{}");
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});

test("two models are compared question by question, and what is no judgment is refused with its place", () => {
  const graded = (model: string, question_id: number, turn: number, score: number) => ({
    model,
    question_id,
    turn,
    judge: ["j", "p"] as [string, string],
    judgment: `[[${score}]]`,
    score,
  });
  const rows = [1, 2, 3, 4].flatMap((q) =>
    [1, 2].flatMap((turn) => [graded("a", q, turn, 4 + q), graded("b", q, turn, 3 + q - (q % 2))]),
  );
  const result = compareScores([...rows, { ...graded("a", 9, 1, 1), judgment: "no rating" }], ["a", "b"]);
  expect(result).toMatchObject({ n: 8, difference: 1.5, model_1: "a" });
  expect(result.ci![0]).toBeGreaterThan(0);
  expect(result.questions_needed).toBeGreaterThan(0);
  expect(compareScores(rows, ["b", "a"]).difference).toBe(-1.5);
  expect(() => compareScores(rows, ["a", "c"])).toThrow(/no grading of "c"; there are a, b/);
  expect(() => scoreSingle([rows[0]!, { ...rows[1]!, question_id: undefined as unknown as number }])).toThrow(/judgment 1 has/);
  const { judgment: _, score: __, ...bare } = rows[0]!;
  expect(() => scoreSingle([bare as unknown as SingleJudgment])).toThrow(/neither text nor score/);
  const pair = { question_id: 1, turn: 1, model_1: "a", model_2: "b", judge: ["j", "p"], g1_judgment: "[[A]]" };
  expect(() => scorePairs([pair as unknown as PairJudgment])).toThrow(/judgment 0 .* game g2/);
});

test("ratings outside the usual forms: whole, decimal, single brackets, none", () => {
  const texts = ["[[10]]", "Rating: [[8.5]].", "[[7.]]", "first [3], then [[4]]", "[6]", "[[8/10]]", "[[-1]]", "", "[[ 5 ]]"];
  expect(texts.map(parseRating)).toEqual([10, 8.5, 7, 4, 6, -1, -1, -1, -1]);
});
