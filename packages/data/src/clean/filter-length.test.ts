import { expect, it } from "vitest";
import { collectRows, rowsOf } from "../pipe.ts";
import { filterLength } from "./filter-length.ts";
import type { CleanReport } from "./report.ts";

const words = (count: number) => "w ".repeat(count).trim();

it("keeps rows whose every sequence lies within both bounds, the bounds included", async () => {
  let report: CleanReport | undefined;
  const rows = [
    { id: "short", text: words(3) },
    { id: "low", text: words(4) },
    { id: "high", prompt: words(2), completion: words(4) },
    {
      id: "long",
      messages: [
        { role: "user", content: words(3) },
        { role: "assistant", content: words(4) },
      ],
    },
    { id: "one too long", prompt: words(2), chosen: words(2), rejected: words(5) },
    { id: "pair", prompt: words(2), chosen: words(2), rejected: words(4) },
  ];
  const kept = await collectRows(filterLength({ minTokens: 4, maxTokens: 6, onReport: (it) => (report = it) })(rowsOf(rows)));
  expect(kept.map(({ id }) => id)).toEqual(["low", "high", "pair"]);
  expect(report!.dropped).toEqual({ "too short": 1, "too long": 2 });
  expect(report!.examples[0]).toMatchObject({ row: 1, detail: "3 tokens, at least 4" });
});

it("counts with the tokenizer it is given", async () => {
  const rows = rowsOf([{ text: "abcdef" }, { text: "ab" }]);
  expect(await collectRows(filterLength({ maxTokens: 3, countTokens: (text) => text.length })(rows))).toEqual([{ text: "ab" }]);
});

it.each([{ minTokens: 5, maxTokens: 4 }, { minTokens: -1 }, { maxTokens: 1.5 }, { minTokens: Number.NaN }])(
  "%j is refused",
  (options) => {
    expect(() => filterLength(options)).toThrow("filterLength: minTokens");
  },
);
