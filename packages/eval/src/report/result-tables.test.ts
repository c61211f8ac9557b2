import { expect, test } from "vitest";
import { alpacaEval } from "../alpaca-eval/alpaca-eval.ts";
import { auditJudge } from "../audit/audit-judge.ts";
import { scoreSingle } from "../mt-bench/single-score.ts";
import { evaluateTask } from "../multiple-choice/evaluate-task.ts";
import { customItems } from "../multiple-choice/tasks/custom-items.ts";
import { preferenceAccuracy } from "../preferences/preference-accuracy.ts";
import { report } from "./report.ts";
import {
  alpacaTable,
  auditTable,
  calibrationCurve,
  harnessTable,
  mtBenchRadar,
  mtBenchTable,
  preferenceTable,
} from "./result-tables.ts";

test("every kind of result becomes a table whose numbers stand on the page with their intervals", async () => {
  const alpaca = alpacaEval({ annotations: [2, 2, 1, 1.5].map((preference, i) => ({ instruction: `i${i}`, preference })) });
  const scores = scoreSingle(
    [81, 91, 101].flatMap((question_id) =>
      [1, 2].map((turn) => ({
        question_id,
        turn,
        model: "m",
        judge: ["j", "p"] as [string, string],
        judgment: `[[${turn + 5}]]`,
        score: turn + 5,
      })),
    ),
  ).models;
  const rows = [0, 1, 0].map((gold) => ({ context: "c", choices: ["x", "y"], gold }));
  const harness = await evaluateTask({
    task: customItems("mine"),
    rows,
    score: async (requests) => requests.map((_, i) => ({ logLikelihood: i % 2 ? -2 : -1, isGreedy: false })),
  });
  const preferences = preferenceAccuracy(
    [1, 2, -1].map((chosen_reward) => ({ chosen_reward, rejected_reward: 0, source: "s", chosen_length: 4, rejected_length: 2 })),
  );
  const audit = auditJudge([{ id: "1", a_name: "x", b_name: "y", a: "long", b: "[[A]]", a_first: "a", b_first: "b" }]);
  const page = report({
    title: "all",
    tables: [
      alpacaTable([{ ...alpaca, model: "m" }]),
      mtBenchTable(scores),
      harnessTable([harness]),
      preferenceTable(preferences),
      auditTable(audit),
    ],
    radars: [mtBenchRadar(scores)],
    curves: [calibrationCurve(preferences.calibration)],
  });
  const text = page
    .replace(/<style>.*?<\/style>/s, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ");
  expect(text).toContain("62.50 11.78 to 95.41");
  expect(text).toContain("2 / 1 / 1");
  expect(text).toContain("m 6.50 6.50 to 6.50 6.00 6.00 to 6.00 7.00 7.00 to 7.00 0 6.50");
  expect(text).toContain("mine 3 0 66.67% 4.38 to 98.87");
  expect(text).toContain("all 3 66.7%");
  expect(text).toContain("chosen is longer 3 66.7%");
  expect(text).toContain("0 same, 1 first twice");
  expect(text).toContain("1: writes a verdict");
  expect(text).toContain("writing 6.5");
  expect(text).not.toMatch(/NaN|undefined|Infinity/);
});
