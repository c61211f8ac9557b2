import { expect, test } from "vitest";
import { judgeAgreement } from "../audit/judge-agreement.ts";
import { ratingAgreement } from "../audit/rating-agreement.ts";
import { compareScores } from "../mt-bench/compare-scores.ts";
import type { PairJudgment, SingleJudgment } from "../mt-bench/rows.ts";
import { agreementTable, differenceTable } from "./judge-tables.ts";
import { mtBenchSamples } from "./mt-bench-samples.ts";
import { report } from "./report.ts";

const graded = (model: string, question_id: number, turn: number, rating: number, judge = "j"): SingleJudgment => ({
  question_id,
  turn,
  model,
  judge: [judge, "single-v1"],
  judgment: `Good. [[${rating}]]`,
  score: rating,
});
const ratings = (model: string, judge?: string, extra = 0) =>
  [81, 91, 101].flatMap((id, i) => [1, 2].map((turn) => graded(model, id, turn, 5 + i + extra, judge)));

test("a second judge's agreement is shown with its interval, on verdicts and on ratings", () => {
  const verdicts = (winners: ("a" | "b")[]) => winners.map((winner, i) => ({ id: `${i}`, winner }));
  const onVerdicts = agreementTable(judgeAgreement(verdicts(["a", "b", "a", "b"]), verdicts(["a", "b", "a", "a"])));
  expect(onVerdicts.rows[0]).toMatchObject({
    what: "Same verdict",
    measured: "75.0%",
    interval: expect.stringMatching(/% to .*%/),
  });
  expect(onVerdicts.rows[2]).toMatchObject({ measured: "0.5", interval: null });
  const onRatings = agreementTable(ratingAgreement(ratings("m"), ratings("m", "k", -2)));
  expect(onRatings.note).toContain("6 answers");
  expect(onRatings.rows.map(({ measured }) => measured)).toEqual(["2", "0.0%", "1"]);
});

test("a paired difference names both models and does not call a small p zero", () => {
  const one = ratings("x").map((row, i) => ({ ...row, judgment: `[[${8 + (i % 2) / 10}]]` }));
  const other = ratings("y").map((row) => ({ ...row, judgment: "[[3]]" }));
  const { rows } = differenceTable([compareScores([...one, ...other], ["x", "y"])]);
  expect(rows[0]).toMatchObject({ pair: "x minus y", n: 6 });
  expect(rows[0]!["difference"]).toMatchObject({ value: expect.closeTo(5.05, 9) });
  expect(rows[0]!["p"]).toBe("below 0.001");
});

test("every MT-Bench question has its answers, ratings and judgments, by category; a repeated grading counts once", () => {
  const pair: PairJudgment = {
    ...{ question_id: 91, turn: 1, model_1: "x", model_2: "y", judge: ["j", "pair-v2"] },
    ...{ g1_winner: "model_1", g2_winner: "model_1", g1_judgment: "First. [[A]]", g2_judgment: "Second. [[B]]" },
  };
  const samples = mtBenchSamples({
    judgments: [...ratings("x"), graded("x", 81, 1, 9), pair],
    questions: [{ question_id: 81, category: "writing", turns: ["Write.", "Again."] }],
    answers: [{ question_id: 81, model_id: "x", choices: [{ index: 0, turns: ["<b>one</b>", "two"] }] }],
  });
  expect(samples.map(({ prompt, group }) => [prompt, group])).toEqual([
    ["Write.\n\nAgain.", "writing"],
    ["Question 91", "other"],
    ["Question 101", "other"],
  ]);
  expect(samples[0]).toMatchObject({
    label: "x 9, 5",
    answers: [
      { name: "x, turn 1: 9", content: "<b>one</b>", note: "The judge: Good. [[9]]" },
      { name: "x, turn 2: 5", content: "two" },
    ],
  });
  expect(samples[1]!.answers.at(-1)).toEqual({
    name: "x against y, turn 1: x wins",
    content: "First. [[A]]\n\nIn the other order: Second. [[B]]",
  });
  const page = report({ title: "t", samples });
  expect(page).toContain("&lt;b&gt;one");
  expect(page).toMatch(/<details class="group" open><summary><b>writing<\/b><span class="label">1 prompts/);
});

test("ten models on all 80 questions stay under 1 MB with every question on the page", () => {
  const ids = Array.from({ length: 80 }, (_, i) => 81 + i);
  const models = Array.from({ length: 10 }, (_, m) => `model-${m}`);
  const judgments = models.flatMap((model) =>
    ids.flatMap((id) =>
      [1, 2].map((turn) => ({ ...graded(model, id, turn, 7), judgment: `${"Because it's so. ".repeat(60)}[[7]]` })),
    ),
  );
  const answers = models.flatMap((model_id) =>
    ids.map((question_id) => ({
      question_id,
      model_id,
      choices: [{ index: 0, turns: ["\u4f60 <i>x</i> ".repeat(300), "y ".repeat(900)] }],
    })),
  );
  const page = report({ title: "ten", samples: mtBenchSamples({ judgments, answers }) });
  expect(Buffer.byteLength(page)).toBeLessThan(1_000_000);
  expect(page.includes("more prompts are in the result files")).toBe(false);
  expect(ids.filter((id) => !page.includes(`Question ${id}<`))).toEqual([]);
});
