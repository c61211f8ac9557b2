import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tokenizerFromJson } from "@zephyr/data";
import { expect, test } from "vitest";
import { evaluateTask, groupAverage, planTask, taskRequests } from "./evaluate-task.ts";
import { requestsSha256 } from "./requests-hash.ts";
import { encodeRequest, type Score, type ScoringTokenizer, scoreTokens, type TextScore } from "./score.ts";
import { choiceAccuracy, choicesItem } from "./task.ts";
import { arcChallenge } from "./tasks/arc-challenge.ts";
import { customItems, evaluateItems } from "./tasks/custom-items.ts";
import { hellaswag } from "./tasks/hellaswag.ts";
import { MMLU_SUBJECTS, mmlu } from "./tasks/mmlu.ts";
import { tasksByName } from "./tasks/task-by-name.ts";
import { truthfulqa } from "./tasks/truthfulqa.ts";
import { winogrande } from "./tasks/winogrande.ts";

interface GoldenItem {
  style: string;
  context: string;
  choices: string[];
  continuations: string[];
  gold: number;
  loglikelihood: number[];
  is_greedy: boolean[];
  context_ids: number[];
  continuation_ids: number[][];
  acc: number;
  acc_norm: number;
  acc_bytes: number;
}
const fixture = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, "fixtures", name), "utf8"));
const golden: { items: GoldenItem[]; aggregate: Record<string, Record<string, number>> } = fixture("lm-eval-0.4.13.json");
const tokenizer = tokenizerFromJson(fixture("tokenizer.json"), { bos_token: "<s>", eos_token: "</s>" });

/** Answers with lm-eval's log-likelihoods, and only for exactly lm-eval's token ids. */
const recorded: Score = async (requests) =>
  requests.map(({ contextIds, continuationIds }) => {
    const same = (a: number[], b: number[]) => a.length === b.length && a.every((id, i) => id === b[i]);
    for (const item of golden.items) {
      const at = item.continuation_ids.findIndex((ids) => same(ids, continuationIds));
      if (at >= 0 && same(item.context_ids, contextIds))
        return { logLikelihood: item.loglikelihood[at]!, isGreedy: item.is_greedy[at]! };
    }
    throw new Error(`not among lm-eval's requests: ${contextIds} | ${continuationIds}`);
  });

test("token ids, acc, acc_norm, acc_bytes and standard errors equal lm-eval's, context ending in a space too", async () => {
  const score = scoreTokens({ tokenizer, score: recorded, maxLength: 512 });
  const rows = golden.items.map((item) => ({ ...item, task: item.style }));
  const results = await evaluateItems(rows, score);
  expect(results.map((result) => result.task)).toEqual(["arc", "hellaswag", "mmlu", "trailing_space"]);
  for (const result of results)
    for (const [name, value] of Object.entries(golden.aggregate[result.task] ?? {})) expect(result[name]).toBeCloseTo(value, 14);
  await expect(evaluateItems([{ ...rows[0] }, { context: "c", choices: ["a"], gold: 0 }], score)).rejects.toThrow(
    /row 1 has no "task"/,
  );
  for (const row of golden.items) {
    const item = customItems("any").item({ ...row });
    const metrics = customItems("any").score(item, await score(item.requests));
    expect(metrics).toEqual({ acc: row.acc, acc_norm: row.acc_norm, acc_bytes: row.acc_bytes });
  }
});

test("acc_norm divides by code points, acc_bytes by bytes, and the first of equals wins", () => {
  const item = choicesItem("c", ["🙂🙂", "abcd"], 0);
  const at = (...sums: number[]) =>
    choiceAccuracy(
      item,
      sums.map((logLikelihood) => ({ logLikelihood, isGreedy: false })),
    );
  expect(at(-4, -7)).toEqual({ acc: 1, acc_norm: 0, acc_bytes: 1 });
  expect(at(-5, -5)).toEqual({ acc: 1, acc_norm: 0, acc_bytes: 1 });
});

/** One token per character; "ab" is a token of its own. */
const letters: ScoringTokenizer = {
  encode: (text) => [...text.replaceAll("ab", "\u0001")].map((c) => c.charCodeAt(0)),
  bosTokenId: 0,
  eosTokenId: 2,
};

test("spaces move to the continuation, empty contexts become BOS, joins are cut by length, long contexts lose their start", () => {
  const encode = (context: string, continuation: string, max = 100) =>
    encodeRequest({ context, continuation }, letters, [0], max);
  expect(encode("x  ", "y")).toEqual({ contextIds: [0, 120], continuationIds: [32, 32, 121] });
  expect(encode("", "hi")).toEqual({ contextIds: [0], continuationIds: [104, 105] });
  expect(encode("  ", "h")).toEqual({ contextIds: [0], continuationIds: [32, 32, 104] });
  expect(encode("za", "bc")).toEqual({ contextIds: [0, 122, 97], continuationIds: [99] });
  expect(encode("abcdef", "gh", 4)).toEqual({ contextIds: [100, 101, 102], continuationIds: [103, 104] });
  expect(() => encode("za", "b")).toThrow(/has no tokens of its own/);
  expect(() => encode("x", "yyyyy", 4)).toThrow(/has 5 tokens, the model sees 4/);
});

test("BOS stands as the tokenizer says, or as told", async () => {
  const seen: number[][] = [];
  const score: Score = async (requests) => {
    for (const { contextIds } of requests) seen.push(contextIds);
    return requests.map(() => ({ logLikelihood: -1, isGreedy: false }));
  };
  const request = [{ context: "Question", continuation: " x" }];
  for (const options of [{}, { bos: "off" as const }, { bos: "on" as const }])
    await scoreTokens({ tokenizer, score, maxLength: 64, ...options })(request);
  expect(seen.map((ids) => ids[0] === 1)).toEqual([true, false, true]);
  await scoreTokens({ tokenizer: letters, score, maxLength: 64 })(request);
  expect(seen[3]![0]).toBe("Q".charCodeAt(0));
  const { bosTokenId: _, ...without } = letters;
  expect(() => scoreTokens({ tokenizer: without, score, maxLength: 64, bos: "on" })).toThrow(/has no BOS token/);
});

const ARC = (i: number, key = "B") => ({
  question: `q${i}?`,
  choices: { text: [`w${i}`, `r${i}`], label: ["A", "B"] },
  answerKey: key,
});

test("ARC: shots are worked examples, numbered answer keys are letters", () => {
  const rows = [ARC(0), ARC(1, "2")];
  const requests = [...taskRequests({ task: arcChallenge, rows, shotRows: [ARC(7)], numFewshot: 1, parity: "lm-eval-0.4" })];
  expect(requests[0]).toEqual({ context: "Question: q7?\nAnswer: r7\n\nQuestion: q0?\nAnswer:", continuation: " w0" });
  expect(arcChallenge.item(rows[1]!).gold).toBe(1);
  expect(() => arcChallenge.item(ARC(0, "Z"))).toThrow(/gold is -1/);
  expect(() => arcChallenge.item({ sentence: "x" })).toThrow(/arc_challenge: a row has no list of texts in "text"/);
});

test("HellaSwag: Python's capitalize, titles, brackets, doubled spaces", () => {
  const item = hellaswag.item({
    activity_label: "Baking",
    ctx_a: "Mix [substeps] flour.",
    ctx_b: "the COOK",
    endings: [" stirs [title] Then rests", "b", "c", "d"],
    label: "0",
  });
  expect(item.requests[0]).toEqual({ context: "Baking: Mix flour. The cook", continuation: " stirs. Then rests" });
  expect(item.choices[0]).toBe("stirs. Then rests");
});

test("MMLU: 57 subjects, letters, description and the first shots", () => {
  expect(MMLU_SUBJECTS).toHaveLength(57);
  expect(new Set(MMLU_SUBJECTS).size).toBe(57);
  const row = (i: number) => ({ question: ` q${i} `, choices: ["w", "x", "y", "z"], answer: 2 });
  const [first] = taskRequests({
    task: mmlu("high_school_us_history"),
    rows: [row(9)],
    shotRows: [row(1), row(2)],
    numFewshot: 1,
  });
  expect(first).toEqual({
    context:
      "The following are multiple choice questions (with answers) about high school us history.\n\nq1\nA. w\nB. x\nC. y\nD. z\nAnswer: C\n\nq9\nA. w\nB. x\nC. y\nD. z\nAnswer:",
    continuation: " A",
  });
  expect(() => mmlu("cooking")).toThrow(/"cooking" is no subject/);
});

test("WinoGrande scores the rest of the sentence after each name", () => {
  const item = winogrande.item({
    sentence: "Ann thanked Bea because _ had helped. ",
    option1: "Ann",
    option2: "Bea",
    answer: "2",
  });
  expect(item.requests).toEqual([
    { context: "Ann thanked Bea because Ann", continuation: " had helped." },
    { context: "Ann thanked Bea because Bea", continuation: " had helped." },
  ]);
  expect(item).toMatchObject({ gold: 1, asShot: "Ann thanked Bea because Bea had helped." });
});

test("TruthfulQA: mc2 is the mass on true answers, also when every answer is very unlikely; both file forms read alike", () => {
  const original = { question: "q?", mc1_targets: { t: 1, f: 0 }, mc2_targets: { t: 1, u: 1, f: 0 } };
  const hub = {
    question: "q?",
    mc1_targets: { choices: ["t", "f"], labels: [1, 0] },
    mc2_targets: { choices: ["t", "u", "f"], labels: [1, 1, 0] },
  };
  expect(truthfulqa.item(hub)).toEqual(truthfulqa.item(original));
  const results = [-1001, -1000, -1000, -1000, -1000].map((logLikelihood) => ({ logLikelihood, isGreedy: false }));
  expect(truthfulqa.score(truthfulqa.item(hub), results)).toEqual({ mc1: 0, mc2: 2 / 3 });
  expect(() => truthfulqa.item({ question: "q?" })).toThrow(/no targets with a true one/);
});

test("parity decides order and seed; too few shots, a wrong count and NaN are refused by name", async () => {
  const rows = Array.from({ length: 30 }, (_, i) => ARC(i));
  const plan = (parity: "leaderboard-v1" | "lm-eval-0.4") =>
    planTask({ task: arcChallenge, rows, shotRows: rows, parity }).requests_sha256;
  expect(plan("leaderboard-v1")).not.toBe(plan("lm-eval-0.4"));
  expect(plan("leaderboard-v1")).toBe(plan("leaderboard-v1"));
  expect(() => planTask({ task: arcChallenge, rows })).toThrow(/arc_challenge: 25 shots are wanted, the shot split has 0 rows/);
  const nan: TextScore = async (requests) => requests.map(() => ({ logLikelihood: Number.NaN, isGreedy: false }));
  await expect(evaluateTask({ task: arcChallenge, rows, numFewshot: 0, score: nan })).rejects.toThrow(
    /arc_challenge: the model gave NaN for " w\d+"/,
  );
  await expect(evaluateTask({ task: arcChallenge, rows: [], numFewshot: 0, score: nan })).rejects.toThrow(/has no documents/);
  await expect(
    scoreTokens({ tokenizer: letters, score: async () => [], maxLength: 9 })([{ context: "a", continuation: "c" }]),
  ).rejects.toThrow(/0 results for 1 requests/);
});

test("the request hash escapes as Python's json.dumps does", async () => {
  // python3 -c 'import json,hashlib; print(hashlib.sha256(json.dumps([["é\n\"\\","🙂\x7f\x01"],["",""]]).encode()).hexdigest())'
  expect(
    requestsSha256([
      { context: 'é\n"\\', continuation: "🙂\x7f\x01" },
      { context: "", continuation: "" },
    ]),
  ).toBe("5da1ed0e187aacfb32c95b5ceb7fc07332360b2a98533b75a31f024b3d49b74a");
});

test("a group's average is unweighted or weighted by documents, with the pooled error", () => {
  const result = (task: string, n: number, acc: number) => ({
    task,
    n,
    num_fewshot: 5,
    main_metric: "acc",
    acc,
    acc_stderr: Math.sqrt((acc * (1 - acc)) / (n - 1)),
  });
  const group = groupAverage([result("a", 10, 0.5), result("b", 30, 0.9)], "acc");
  expect(group).toMatchObject({ unweighted: 0.7, weighted: 0.8, n: 40 });
  expect(group.weighted_stderr).toBeCloseTo(Math.sqrt((10 * 0.25 + 30 * 0.09) / 38 / 40), 12);
  expect(() => groupAverage([result("a", 10, 0.5)], "mc2")).toThrow(/a has no mc2/);
});

test("tasks are found by name and unknown names list the known", () => {
  expect(tasksByName("mmlu")).toHaveLength(57);
  expect(tasksByName("truthfulqa_mc2")[0]!.name).toBe("truthfulqa_mc");
  expect(() => tasksByName("arc")).toThrow(/no task "arc"; there are arc_challenge, hellaswag/);
});
