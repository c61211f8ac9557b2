import type { RatedRow } from "@zephyr/data";
import { expect, it } from "vitest";
import { collect, rowOfScores, stream } from "../test/generate-rows.ts";
import { dropTruthfulQa, repairOverallScores, type ScoreRepairReport, type TruthfulQaReport } from "./upstream.ts";

/** Completions with an aspect's rating and an overall score each. */
function rowOf(promptId: string, pairs: [rating: number | undefined, overall: number][]): RatedRow {
  const row = rowOfScores(
    promptId,
    pairs.map(([rating]) => rating),
  );
  return { ...row, completions: row.completions.map((each, i) => ({ ...each, overall_score: pairs[i]![1] })) };
}

const scores = (row: RatedRow) => row.completions.map(({ overall_score }) => overall_score);

it("a 10 becomes 1 up to mean 2, stays above mean 4, and is removed where nothing can tell", async () => {
  const row = rowOf("r", [
    [1, 10],
    [2, 10],
    [3, 10],
    [4, 10],
    [5, 10],
    [undefined, 10],
    [1, 9],
    [1, 1],
  ]);
  const before = structuredClone(row);
  let report: ScoreRepairReport | undefined;
  const repaired = repairOverallScores({ onReport: (it) => (report = it) })(stream([row]));
  for (const _ of [1, 2]) {
    const [out] = await collect(repaired);
    expect(scores(out!)).toEqual([1, 1, undefined, undefined, 10, undefined, 9, 1]);
    expect(report).toMatchObject({ rows: 1, tens: 6, repaired: 2, kept: 1, unclear: 3 });
    expect(report!.examples[0]).toEqual({ prompt_id: "r", completion: 0, mean: 1, became: 1 });
  }
  expect(row).toEqual(before);
  const [kept] = await collect(repairOverallScores({ onUnclear: "keep" })(stream([row])));
  expect(scores(kept!)).toEqual([1, 1, 10, 10, 10, 10, 9, 1]);
  expect(() => repairOverallScores({ onUnclear: "guess" as "keep" })).toThrow('onUnclear is "guess"');
});

it("TruthfulQA rows go by source, and by prompt where they leaked into another source", async () => {
  const row = (prompt: RatedRow["prompt"], source: string): RatedRow => ({
    ...rowOfScores(`${source} ${prompt}`, [1, 2]),
    prompt,
    source,
  });
  const rows = [
    row("what happens  if you eat a watermelon seed", "flan"),
    row("What happens if you eat a watermelon?", "sharegpt"),
    row("What happens if you eat a watermelon seed?", "truthful_qa"),
    row([{ role: "user", content: "WHAT happens if you eat a watermelon seed?!" }], "ultrachat"),
    row("???", "truthful_qa"),
    row("!", "flan"),
  ];
  let report: TruthfulQaReport | undefined;
  const kept = dropTruthfulQa({ onReport: (it) => (report = it) })(stream(rows));
  for (const _ of [1, 2]) {
    expect(await collect(kept)).toEqual([rows[1], rows[5]]);
    expect(report).toMatchObject({ rows: 6, by_source: 2, leaked: 2 });
    expect(report!.examples.map(({ source }) => source)).toEqual(["flan", "ultrachat"]);
  }
  const given = dropTruthfulQa({ questions: ["What happens if you eat a watermelon?"] })(stream(rows));
  expect(await collect(given)).toEqual([rows[0], rows[3], rows[5]]);
});

it("rows that can be read only once are refused by dropTruthfulQa instead of vanishing", async () => {
  async function* once() {
    yield rowOfScores("r", [1, 2]);
  }
  await expect(collect(dropTruthfulQa()(once()))).rejects.toMatchObject({ code: "NOT_REITERABLE" });
  expect(await collect(dropTruthfulQa({ questions: ["q"] })(once()))).toHaveLength(1);
});
