import { expect, it } from "vitest";
import { collectRows, rowsOf } from "../pipe.ts";
import type { CleanReport } from "./report.ts";
import { truecase, truecaseText } from "./truecase.ts";

it.each([
  ["Hello. how are you?", "Hello. How are you?"],
  ["hello. how are you? i'm fine! thanks", "Hello. How are you? I'm fine! Thanks"],
  ["what is love", "What is love"],
  ["  \n hi there.\n\nit works", "  \n Hi there.\n\nIt works"],
  ["so i said that i’ve been there, i think. yes", "So I said that I’ve been there, I think. Yes"],
  ["élan. ça va?", "Élan. Ça va?"],
  ["привет. как дела?", "Привет. Как дела?"],
])("restores %j", (text, expected) => {
  expect(truecaseText(text)).toBe(expected);
  expect(truecaseText(expected)).toBe(expected);
});

it.each([
  "Hello. How are you? I am fine.",
  "Use npm. npm is great. It works. Fine. Done.",
  "We like fruit, e.g. apples, i.e. food, etc. and more.",
  "It costs 3. and so on, says Dr. who, J. smith and the U.S. army.",
  "Well... maybe so... and then",
  "```\nhello. world\n```",
  "`run. this`",
  "iPhone",
  "https://example.com/a.b works",
  "me@example.com",
  "snake_case",
  "print('x')",
  "第一。第二",
  "1. first 2. second",
  "ßtraße",
  "",
  "...",
])("leaves %j alone, to the byte", (text) => {
  expect(truecaseText(text)).toBe(text);
});

it("touches nothing inside code and addresses of a text that it rewrites", () => {
  const text = "hello. see `this. thing` and https://a.b/c. then\n```\nx. i = 1\n```\nwrite to me@b.c. ok";
  expect(truecaseText(text)).toBe("Hello. See `this. thing` and https://a.b/c. Then\n```\nx. i = 1\n```\nwrite to me@b.c. Ok");
});

it("rewrites every text of a row, keeps the other columns, counts rows and shows examples, on every pass", async () => {
  const rows = [
    {
      id: 1,
      messages: [
        { role: "user", content: "hello. you" },
        { role: "assistant", content: "Yes." },
      ],
    },
    { id: 2, messages: [{ role: "user", content: "Fine." }] },
  ];
  const reports: CleanReport[] = [];
  const cleaned = truecase({ onReport: (report) => reports.push(report) })(rowsOf(rows));
  for (const pass of [0, 1]) {
    const out = await collectRows(cleaned);
    expect(out[0]).toEqual({
      id: 1,
      messages: [
        { role: "user", content: "Hello. You" },
        { role: "assistant", content: "Yes." },
      ],
    });
    expect(out[1]).toBe(rows[1]);
    expect(reports[pass]).toMatchObject({
      step: "truecase",
      rows: 2,
      kept: 2,
      changed: 1,
      changes: [{ row: 1, before: "hello. you", after: "Hello. You" }],
    });
  }
});

it("a megabyte of awkward text is through before the test's time is up, which quadratic time would not be", () => {
  for (const unit of ["a", ". ", "`", "```", "@a.", "i ", "x.'\"", "\n\n"]) {
    const text = unit.repeat(1_000_000 / unit.length);
    expect(truecaseText(text).length).toBe(text.length);
  }
});
