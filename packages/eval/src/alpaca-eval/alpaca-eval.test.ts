import type { Generate } from "@zephyr/data";
import { expect, test } from "vitest";
import { cpythonRandom } from "../random/cpython-random.ts";
import { alpacaEval } from "./alpaca-eval.ts";
import { annotate, fillTemplate, parseChatTemplate } from "./annotate.ts";
import { isSwitched, parseRanking, parseTokenLogprobs, preferenceFromReply } from "./annotator-replies.ts";
import { fitL1Logistic } from "./l1-logistic.ts";
import { lengthControlledWinRate } from "./length-controlled.ts";
import { parsePythonLiteral } from "./python-literal.ts";
import { averageLength, codePoints } from "./rows.ts";
import { winRate } from "./win-rate.ts";

const row = (i: number, preference: number | null) => ({
  instruction: `i${i}`,
  output_1: "b".repeat(10 + (i % 7)),
  output_2: "m".repeat(5 + (i % 11)),
  preference,
});

test("win rate drops nulls and out-of-scale values, counts old and new ties", () => {
  const result = winRate([2, 1, 1.5, 0, null, 1.25, 1.75, 3]);
  expect(result).toMatchObject({ n_total: 6, n_wins: 2, n_wins_base: 2, n_draws: 2, win_rate: 50, discrete_win_rate: 50 });
  expect(winRate([2, 2, 1]).standard_error).toBeCloseTo((100 * Math.sqrt(1 / 3)) / Math.sqrt(3), 12);
  expect(winRate([1.5000001]).discrete_win_rate).toBe(100);
  expect(() => winRate([null, 7])).toThrow(/none of 2/);
});

test("lengths are code points, also with lone surrogates, and averages are cut", () => {
  expect(["naïve", "🙂🙂", "a\ud83d", "\ud83d\ud83d\ude42", ""].map(codePoints)).toEqual([5, 2, 2, 2, 0]);
  expect(
    averageLength([
      { instruction: "", output: "🙂ab" },
      { instruction: "", output: "abcd" },
      { instruction: "", output: "abcd" },
    ]),
  ).toBe(3);
});

test("a Python literal is read as data and anything else refused", () => {
  expect(parsePythonLiteral(`[{'model': "model_1", 'rank': 1,}, ('x', -2.5e1, None, True)]`)).toEqual([
    { model: "model_1", rank: 1 },
    ["x", -25, null, true],
  ]);
  for (const text of ["", "[1, 2", "[1] trailing", "__import__('os')", "{'a' 1}", "[1 2]", "{1: 2}", "'open"])
    expect(parsePythonLiteral(text)).toBeUndefined();
});

test("a ranking counts only with rank 1 or 2 for model_1", () => {
  expect(parseRanking("[{'model': 'model_2', 'rank': 1}, {'model': 'model_1', 'rank': 2}]")).toBe(2);
  expect(parseRanking("\n[\n  {'model': 'model_1', 'rank': 1},\n]")).toBe(1);
  for (const reply of [
    "[{'model': 'model_1', 'rank': 3}]",
    "[{'model': 'model_1', 'rank': '1'}]",
    "[{'model': 'model_2', 'rank': 1}]",
    "Sure! [{'model': 'model_1', 'rank': 1}]",
    "model_1",
  ])
    expect(parseRanking(reply)).toBeNull();
});

test("token probabilities take only the exact letters, and an absent one is zero", () => {
  expect(
    parseTokenLogprobs([
      { token: "m", logprob: Math.log(0.2) },
      { token: "M", logprob: Math.log(0.6) },
      { token: " m", logprob: 0 },
    ]),
  ).toBeCloseTo(1.75, 12);
  expect(parseTokenLogprobs([{ token: "M", logprob: -1 }])).toBe(2);
  expect(parseTokenLogprobs([{ token: "The", logprob: 0 }])).toBeNull();
});

test("a row without preference: swapped back, tied when identical, null when the call failed, refused when there is nothing", () => {
  const ranking = "[{'model': 'model_1', 'rank': 1}]";
  const swapped = ["a", "b", "c", "d", "e", "f"].find((instruction) => isSwitched(instruction))!;
  const straight = ["a", "b", "c", "d", "e", "f"].find((instruction) => !isSwitched(instruction))!;
  expect(preferenceFromReply({ instruction: swapped, raw_completion: ranking })).toBe(2);
  expect(preferenceFromReply({ instruction: straight, raw_completion: ranking })).toBe(1);
  expect(preferenceFromReply({ instruction: "x", output_1: "s", output_2: "s", raw_completion: null })).toBe(1.5);
  expect(preferenceFromReply({ instruction: "x", output_1: "s", output_2: "t", raw_completion: null })).toBeNull();
  expect(() => preferenceFromReply({ instruction: "x" })).toThrow(/neither a preference nor a raw_completion/);
});

test("the L1 fit is the minimum of an objective written out apart, coefficients to 1e-8", () => {
  const rng = cpythonRandom(5);
  const n = 300;
  const x = Float64Array.from({ length: 3 * n }, (_, i) => (i % 3 === 2 ? 1 : 2 * rng.random() - 1));
  const target = Float64Array.from({ length: n }, () => rng.random() ** 2);
  const weight = Float64Array.from({ length: n }, (_, i) => (i % 2 ? 1 : 0.1));
  for (const c of [0.02, 0.3, 30]) {
    const objective = (w: number[]) => {
      let value = Math.abs(w[0]!) + Math.abs(w[1]!) + Math.abs(w[2]!);
      for (let i = 0; i < n; i++) {
        const p = 1 / (1 + Math.exp(-(x[3 * i]! * w[0]! + x[3 * i + 1]! * w[1]! + x[3 * i + 2]! * w[2]!)));
        value -= c * weight[i]! * (target[i]! * Math.log(p) + (1 - target[i]!) * Math.log(1 - p));
      }
      return value;
    };
    const fitted = fitL1Logistic({ features: 3, x, target, weight }, c);
    // Convexity: no step along any axis or diagonal lowers the value, and the subgradient holds zero.
    const h = 1e-6;
    const at = objective(fitted);
    for (const k of [0, 1, 2]) {
      const shifted = (by: number) => objective(fitted.map((value, m) => (m === k ? value + by : value)));
      expect(shifted(1e-4)).toBeGreaterThanOrEqual(at);
      expect(shifted(-1e-4)).toBeGreaterThanOrEqual(at);
      if (fitted[k] === 0) continue;
      const slope = (shifted(h) - shifted(-h)) / (2 * h);
      const curvature = (shifted(1e-3) - 2 * at + shifted(-1e-3)) / 1e-6;
      expect(Math.abs(slope / curvature)).toBeLessThan(1e-8);
    }
  }
  expect(fitL1Logistic({ features: 3, x, target, weight }, 1e-4)).toEqual([0, 0, 0]);
});

test("length control takes back a win rate that length alone explains", () => {
  const rng = cpythonRandom(2);
  const rows = Array.from({ length: 400 }, (_, i) => {
    const longer = rng.random() < 0.8;
    const extra = 20 + Math.floor(rng.random() * 60);
    return {
      output_1: "x".repeat(100),
      output_2: "x".repeat(longer ? 100 + extra : 100 - extra),
      preference: rng.random() < 0.9 === longer ? 2 : 1,
      difficultyIndex: i,
    };
  });
  const data = { difficulty: rows.map(() => rng.random() - 0.5), gamed: [{ tanhLength: 0.5, difficulty: 0, target: 0.5 }] };
  const raw = winRate(rows.map((one) => one.preference)).win_rate;
  expect(raw).toBeGreaterThan(65);
  expect(Math.abs(lengthControlledWinRate(rows, data).length_controlled_winrate - 50)).toBeLessThan(8);
});

test("strict mode finds difficulties by instruction, compat by row, and strict refuses what does not match", () => {
  const reference = Array.from({ length: 40 }, (_, i) => ({ instruction: `i${i}`, output: "b" }));
  const annotations = Array.from({ length: 39 }, (_, i) => row(i + 1, i % 3 === 0 ? 2 : 1));
  const lengthControl = {
    difficulty: reference.map((_, i) => (i % 5) - 2),
    gamed: [{ tanhLength: 0.1, difficulty: 1, target: 0.5 }],
  };
  const at = (mode: "compat" | "strict") =>
    alpacaEval({ annotations, referenceOutputs: reference, lengthControl, c: 2, mode }).lc_weights!;
  expect(at("strict")).not.toEqual(at("compat"));
  const shifted = { ...lengthControl, difficulty: lengthControl.difficulty.slice(1) };
  expect(alpacaEval({ annotations, lengthControl: shifted, c: 2 }).lc_weights).toEqual(at("strict"));
  expect(() => alpacaEval({ annotations, lengthControl, mode: "strict" })).toThrow(/needs referenceOutputs/);
  expect(() => alpacaEval({ annotations: [row(1, 1), row(1, 2)], mode: "strict" })).toThrow(/repeats an instruction/);
  expect(() => alpacaEval({ annotations: [row(1, 2.5)], mode: "strict" })).toThrow(/preference 2.5/);
  expect(() => alpacaEval({ annotations: [row(77, 2)], referenceOutputs: reference, mode: "strict" })).toThrow(
    /not in the reference outputs/,
  );
});

test("outputs missing from the annotations come from the files, and their absence is named", () => {
  const lengthControl = { difficulty: [0, 0, 0], gamed: [{ tanhLength: 0.1, difficulty: 1, target: 0.5 }] };
  const bare = [0, 1, 2].map((i) => ({ instruction: `i${i}`, preference: 1 + (i % 2) }));
  const outputs = (length: number) => bare.map(({ instruction }, i) => ({ instruction, output: "x".repeat(length + i * i) }));
  expect(
    alpacaEval({ annotations: bare, modelOutputs: outputs(3), referenceOutputs: outputs(9), lengthControl, c: 1 })
      .length_controlled_winrate,
  ).toBeGreaterThan(0);
  expect(() => alpacaEval({ annotations: bare, modelOutputs: outputs(3), lengthControl })).toThrow(
    /annotation 0 has no output_1/,
  );
});

test("a live run judges once per instruction in seeded order and unswaps; braces in outputs stay", async () => {
  const instructions = Array.from({ length: 12 }, (_, i) => `task ${i}`);
  const modelOutputs = instructions.map((instruction, i) => ({ instruction, output: i === 0 ? "same" : `good {output_1} ${i}` }));
  const referenceOutputs = instructions.map((instruction, i) => ({ instruction, output: i === 0 ? "same" : "bad" }));
  let calls = 0;
  const judge: Generate = async ([, user]) => {
    calls++;
    expect(user!.content).toContain("good {output_1}");
    const first = user!.content.indexOf("good") < user!.content.indexOf("bad");
    return { content: `[{'model': 'model_1', 'rank': ${first ? 1 : 2}}]`, model: "j", finishReason: "stop" };
  };
  const annotations = await annotate({ modelOutputs, referenceOutputs, judge, kind: "ranking" });
  expect(calls).toBe(11);
  expect(alpacaEval({ annotations, modelOutputs })).toMatchObject({ n_wins: 11, n_draws: 1, n_total: 12 });
  expect(
    annotations.map(preferenceFromReply as (r: (typeof annotations)[number]) => number | null).every((p) => p !== null),
  ).toBe(true);
});

test("a weighted judge needs log-probabilities and says so", async () => {
  const files = { modelOutputs: [{ instruction: "t", output: "a" }], referenceOutputs: [{ instruction: "t", output: "b" }] };
  const bare: Generate = async () => ({ content: "m", model: "plain", finishReason: "stop" });
  await expect(annotate({ ...files, judge: bare, kind: "logprobs" })).rejects.toThrow(/plain returned no top log-probabilities/);
  const top = [
    { token: "m", logprob: Math.log(0.75) },
    { token: "M", logprob: Math.log(0.25) },
  ];
  const judge: Generate = async () =>
    ({ content: "m", model: "j", finishReason: "length", logprobs: { content: [{ top_logprobs: top }] } }) as Awaited<
      ReturnType<Generate>
    >;
  const [annotation] = await annotate({ ...files, judge, kind: "logprobs" });
  expect(annotation!.preference).toBeCloseTo(isSwitched("t") ? 1.75 : 1.25, 12);
  await expect(
    annotate({ ...files, referenceOutputs: [{ instruction: "u", output: "b" }], judge, kind: "logprobs" }),
  ).rejects.toThrow(/share no instruction/);
});

test("templates fill in one pass and chat files split into messages", () => {
  expect(fillTemplate("{a}{b}{c}", { a: "{b}", b: "x" })).toBe("{b}x{c}");
  expect(fillTemplate("{toString}", {})).toBe("{toString}");
  expect(parseChatTemplate("<|im_start|>system\nbe fair\n<|im_end|>\n<|im_start|>user\n{instruction}\n<|im_end|>\n")).toEqual([
    { role: "system", content: "be fair" },
    { role: "user", content: "{instruction}" },
  ]);
  expect(() => parseChatTemplate("plain")).toThrow(/no <\|im_start\|>/);
});

test("rows that cannot count are left out and counted, in strict mode refused; what is no annotation is always refused", () => {
  const raw = (logprobs: unknown) => ({ message: { content: "" }, logprobs });
  const first = (top: unknown) => raw({ content: [{ token: "m", logprob: -0.1, top_logprobs: top }] });
  const { preference: _, ...bare } = row(4, null);
  const broken = [
    null,
    raw(null),
    raw({ content: [] }),
    raw({ content: null }),
    first([{ token: " m", logprob: -0.1 }]),
    {},
    "m",
  ];
  for (const raw_completion of broken) expect(preferenceFromReply({ ...bare, raw_completion })).toBeNull();
  const annotations = [row(0, 2), row(1, 1), row(2, Number.NaN), row(3, 7), bare, { ...bare, raw_completion: raw(null) }];
  const lengthControl = { difficulty: [0, 1, -1, 0.5, 0.2, 0.1], gamed: [{ tanhLength: 0.5, difficulty: 0, target: 0.5 }] };
  const result = alpacaEval({ annotations, lengthControl, c: 10 });
  expect(result).toMatchObject({ n_total: 2, n_wins: 1, win_rate: 50 });
  expect(result.notes[0]).toMatch(/^4 of 6 rows/);
  expect(result.length_controlled_winrate).toBeGreaterThan(0);
  expect(() => alpacaEval({ annotations: [row(0, 2), bare], mode: "strict" })).toThrow(/raw_completion/);
  const text = { ...row(1, 2), preference: "2" as unknown as number };
  expect(() => alpacaEval({ annotations: [row(0, 2), text] })).toThrow(/annotation 1 .* preference "2"/);
  expect(() => alpacaEval({ annotations: [{ instruction: 7 as unknown as string, preference: 2 }] })).toThrow(/annotation 0/);
  const unanswered = [{ instruction: "i0", output: null as unknown as string }];
  expect(() => alpacaEval({ annotations: [row(0, 2)], modelOutputs: unanswered })).toThrow(/model output 0 has null/);
});

test("more rows than difficulties lose the length-controlled rate, with its reason, and keep the rest", () => {
  const lengthControl = { difficulty: [0, 0, 0], gamed: [{ tanhLength: 0.1, difficulty: 1, target: 0.5 }] };
  const annotations = [2, 1, 2, 2].map((preference, i) => row(i, preference));
  const result = alpacaEval({ annotations, lengthControl, c: 2 });
  expect(result).toMatchObject({ win_rate: 75, notes: [expect.stringContaining("4 rows and 3 instruction difficulties")] });
  expect(result).not.toHaveProperty("length_controlled_winrate");
  expect(alpacaEval({ annotations: annotations.slice(1), lengthControl, c: 2 })).toHaveProperty("length_controlled_winrate");
});
