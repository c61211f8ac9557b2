import { rowsOf } from "@zephyr/data";
import { expect, test } from "vitest";
import type { JudgedRow } from "../rate.ts";
import { ratingStatistics } from "./rating-statistics.ts";

const row = (scores: number[], ratings: (number | "N/A")[], order: number[]): JudgedRow => ({
  prompt_id: "x",
  prompt: "x",
  completions: scores.map((overall_score, i) => ({
    model: `m${i}`,
    content: "c",
    overall_score,
    annotations: { honesty: { rating: ratings[i]!, rationale: "" } },
  })),
  judge_replies: [
    {
      aspect: "honesty",
      repeat: 0,
      order,
      reply: order.map((i, place) => `#### Output for Text ${place + 1}\nRating: ${ratings[i]}`).join("\n"),
    },
  ],
});

test("scores, ties, N/A and the means by place are counted", async () => {
  const rows = rowsOf([row([8, 8.4, 3], [5, "N/A", 1], [2, 0, 1]), row([7, 7, 7], [2, 4, 3], [0, 1, 2])]);
  expect(await ratingStatistics(rows)).toEqual({
    rows: 2,
    completions: 6,
    score_histogram: { 3: 1, 7: 3, 8: 2 },
    tie_rate: 0.5,
    aspects: { honesty: { mean: 3, not_applicable: 1, ratings: { 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, "N/A": 1 } } },
    position_means: { honesty: [1.5, 4.5, 3] },
    models: {
      m0: { completions: 2, mean_score: 7.5, mean_rating: 3.5 },
      m1: { completions: 2, mean_score: 7.7, mean_rating: 4 },
      m2: { completions: 2, mean_score: 5, mean_rating: 2 },
    },
  });
});

test("no rows give no numbers rather than zeros", async () => {
  expect(await ratingStatistics(rowsOf([]))).toMatchObject({ rows: 0, tie_rate: null, aspects: {} });
});
