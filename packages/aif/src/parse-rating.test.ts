import { describe, expect, test } from "vitest";
import { parseAspectRating, parseOverallScore, RatingParseError } from "./parse-rating.ts";

const GOOD_ASPECTS: [string, number | "N/A"][] = [
  ...[1, 2, 3, 4, 5].flatMap((n): [string, number][] => [
    [`${n}`, n],
    [` ${n} `, n],
    [`${n}.`, n],
    [`${n}.0`, n],
    [`**${n}**`, n],
    [`*${n}*`, n],
    [`[${n}]`, n],
    [`(${n})`, n],
    [`"${n}"`, n],
    [`\`${n}\``, n],
    [`${n}/5`, n],
    [`${n} / 5`, n],
    [`**${n}/5**`, n],
    [`${n} out of 5`, n],
    [`${n} Out Of 5.`, n],
    [`${n} (Almost there)`, n],
  ]),
  ["N/A", "N/A"],
  ["n/a", "N/A"],
  ["**N/A**", "N/A"],
  ["N/A.", "N/A"],
  ["N/A (not factual)", "N/A"],
];

const BAD_ASPECTS = [
  ...[
    "",
    " ",
    "4.5",
    "between 3 and 4",
    "10",
    "0",
    "-1",
    "+4",
    "five",
    "Four",
    "6",
    "1/10",
    "4/10",
    "4 out of 10",
    "4/4",
    "3-4",
    "3–4",
    "3 or 4",
    "3, 4",
    "4 5",
  ],
  ...[
    "٤",
    "４",
    "৪",
    "²",
    "IV",
    "04",
    "1e0",
    "0x4",
    "4,0",
    "4.25",
    "4/5/5",
    "4//5",
    "/5",
    "4/",
    "out of 5",
    "4 of",
    "NA",
    "none",
    "null",
    "undefined",
    "NaN",
    "Infinity",
  ],
  ...[
    "4 stars",
    "★★★★",
    "rating 4",
    "4!",
    "4?",
    "about 4",
    "~4",
    ">4",
    "<4",
    "≥4",
    "4%",
    "80%",
    "4 (or 5)",
    "5 (4)",
    "4\n5",
    "N/A 4",
    "4 N/A",
    "-4",
    "4 / 0",
    "00",
    "100",
    "5.0001",
    "0.9",
    "1.5",
    "4.5/5",
  ],
];

const GOOD_SCORES: [string, number][] = [
  ...Array.from({ length: 10 }, (_, i): [string, number] => [`${i + 1}`, i + 1]),
  ...Array.from({ length: 10 }, (_, i): [string, number] => [`${i + 1}/10`, i + 1]),
  ...Array.from({ length: 10 }, (_, i): [string, number] => [`${i + 1} out of 10`, i + 1]),
  ...Array.from({ length: 9 }, (_, i): [string, number] => [`${i + 1}.5`, i + 1.5]),
  ["8.5/10", 8.5],
  ["7.25", 7.25],
  ["**8**", 8],
  ["[9]", 9],
  ["8.", 8],
  ["10.0", 10],
];

const BAD_SCORES = [
  "",
  "0",
  "0.5",
  "0.8",
  "11",
  "10.5",
  "-3",
  "N/A",
  "eight",
  "7/5",
  "4/5",
  "85/100",
  "85%",
  "8-9",
  "8 or 9",
  "8,5",
  "100",
  "7.",
  "1 0",
].filter((text) => text !== "7.");

describe("fault 25: ratings", () => {
  test.each(GOOD_ASPECTS)("an aspect rated %j is %j", (text, value) => expect(parseAspectRating(text)).toBe(value));
  test.each(BAD_ASPECTS)("an aspect rated %j is an error that keeps the text", (text) => {
    const error = attempt(() => parseAspectRating(text));
    expect(error).toBeInstanceOf(RatingParseError);
    expect((error as RatingParseError).raw).toBe(text);
  });
  test.each(GOOD_SCORES)("an overall score of %j is %d", (text, value) => expect(parseOverallScore(text)).toBe(value));
  test.each(BAD_SCORES)("an overall score of %j is an error", (text) =>
    expect(attempt(() => parseOverallScore(text))).toBeInstanceOf(RatingParseError),
  );

  test("1 is never 10, and 10 is never 1", () => {
    expect(parseOverallScore("1")).toBe(1);
    expect(parseOverallScore("10")).toBe(10);
    expect(parseOverallScore("1/10")).toBe(1);
  });

  test("no text made of rating characters gives a value outside its scale, or throws anything else", () => {
    const alphabet = "0123456789./N/A outf*[]() -,5";
    let state = 7;
    for (let i = 0; i < 20_000; i++) {
      let text = "";
      for (let j = 0; j < 1 + (i % 7); j++) {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        text += alphabet[(state >>> 16) % alphabet.length];
      }
      const value = attempt(() => parseAspectRating(text));
      if (value instanceof RatingParseError) continue;
      expect([1, 2, 3, 4, 5, "N/A"]).toContain(value);
    }
  });
});

function attempt(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
