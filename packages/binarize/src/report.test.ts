import { expect, it } from "vitest";
import { collect, generateRows, rowOfScores, stream } from "../test/generate-rows.ts";
import { binarize } from "./binarize.ts";
import type { BinarizeOptions } from "./options.ts";
import type { BinarizeReport } from "./report.ts";

async function reportOf(rows: Parameters<typeof stream>[0], options: Partial<BinarizeOptions> = {}): Promise<BinarizeReport> {
  const reports: BinarizeReport[] = [];
  const onReport = (report: BinarizeReport) => reports.push(report);
  const pairs = binarize({ preset: "max-min", seed: 0, ...options, onReport })(stream(rows as ReturnType<typeof generateRows>));
  await collect(pairs);
  await collect(pairs);
  expect(reports).toHaveLength(2);
  expect(reports[1]).toEqual(reports[0]);
  expect(JSON.parse(JSON.stringify(reports[0]))).toEqual(reports[0]);
  return reports[0]!;
}

it("counts rows, drops, completions, ties and scores, the same on every pass", async () => {
  const report = await reportOf(
    [
      rowOfScores("a", [5, 1.25, 5]),
      rowOfScores("tie", [2, 2]),
      rowOfScores("few", [2, undefined]),
      rowOfScores("b", [4, 3, Number.NaN, 9]),
    ],
    { onBadRating: "drop" },
  );
  expect(report).toMatchObject({
    preset: "max-min",
    score: "mean",
    seed: 0,
    rows: 4,
    output_rows: 2,
    dropped: { tie: { count: 1, examples: ["tie"] }, too_few: { count: 1, examples: ["few"] } },
    completions: { total: 11, rated: 8, unrated: 1, bad: 2 },
    ties: { best: 2, pairs: 0 },
  });
  expect(report.bad_ratings).toEqual([
    { row: 4, prompt_id: "b", completion: 2, aspect: "helpfulness", rating: "NaN", why: "is not a number" },
    { row: 4, prompt_id: "b", completion: 3, aspect: "helpfulness", rating: 9, why: "is outside 1 to 5" },
  ]);
  expect(report.score_histogram).toEqual({
    "1": { completions: 1, chosen: 0, rejected: 1 },
    "2": { completions: 3, chosen: 0, rejected: 0 },
    "3": { completions: 1, chosen: 0, rejected: 1 },
    "4": { completions: 1, chosen: 1, rejected: 0 },
    "5": { completions: 2, chosen: 1, rejected: 0 },
  });
});

it("length bias is 1 where the best is always longest, 0 where it is shortest, a half where lengths are equal", async () => {
  const rows = (lengths: number[]) =>
    Array.from({ length: 20 }, (_, i) => {
      const row = rowOfScores(`r${i}`, [1, 3, 5]);
      return { ...row, completions: row.completions.map((each, c) => ({ ...each, content: "x".repeat(lengths[c]!) })) };
    });
  const long = (await reportOf(rows([10, 20, 30]))).length_bias;
  expect(long).toMatchObject({ mean_chosen: 30, mean_rejected: 10, chosen_longer: 1 });
  expect(long.score_length_correlation).toBeCloseTo(1, 12);
  const short = (await reportOf(rows([30, 20, 10]))).length_bias;
  expect(short.chosen_longer).toBe(0);
  expect(short.score_length_correlation).toBeCloseTo(-1, 12);
  expect((await reportOf(rows([9, 9, 9]))).length_bias).toMatchObject({ chosen_longer: 0.5, score_length_correlation: null });
  expect((await reportOf([])).length_bias).toEqual({
    mean_chosen: null,
    mean_rejected: null,
    chosen_longer: null,
    score_length_correlation: null,
  });
});

it("agreement equals what two separate runs give", async () => {
  const rows = generateRows(800);
  const { agreement } = await reportOf(rows, { preset: "zephyr-paper" });
  for (const [a, b] of [
    ["zephyr-paper", "h4"],
    ["zephyr-paper", "argilla"],
    ["h4", "max-min"],
  ] as const) {
    const left = new Map((await collect(binarize({ preset: a, seed: 0 })(stream(rows)))).map((row) => [row.prompt_id, row]));
    const right = await collect(binarize({ preset: b, seed: 0 })(stream(rows)));
    const both = right.filter(({ prompt_id }) => left.has(prompt_id));
    const chosen = both.filter(
      (row) => row.score_chosen !== undefined && left.get(row.prompt_id)!.chosen[0]!.content === row.chosen[0]!.content,
    );
    const pair = chosen.filter((row) => left.get(row.prompt_id)!.rejected[0]!.content === row.rejected[0]!.content);
    const entry = agreement.find((each) => each.a === a && each.b === b);
    expect(entry).toEqual({
      a,
      b,
      rows: both.length,
      same_chosen: chosen.length / both.length,
      same_pair: pair.length / both.length,
    });
  }
  expect(agreement).toHaveLength(10);
});

it("finds 10s that their aspects contradict, and TruthfulQA rows", async () => {
  const rows = generateRows(60).map((row) => ({
    ...row,
    completions: rowOfScores("", [1, 5, 2]).completions.map((each) => ({ ...each, overall_score: 10 })),
  }));
  const { upstream } = await reportOf(rows);
  expect(upstream).toEqual({
    suspect_overall_scores: 120,
    truthful_qa_rows: rows.filter(({ source }) => source === "truthful_qa").length,
  });
  expect(upstream.truthful_qa_rows).toBeGreaterThan(3);
});

it("unpaired counts its labels", async () => {
  const report = await reportOf([rowOfScores("a", [5, 3, 1])], { preset: "unpaired" });
  expect(report).toMatchObject({ output_rows: 3, labels: { desirable: 2, undesirable: 1 } });
});
