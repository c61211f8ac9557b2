import { expect, it } from "vitest";
import { cleaningExamples, cleaningTable } from "./report.ts";

it("cleaningTable shows every step and reason with its share", () => {
  const empty = { examples: [], changes: [] };
  const table = cleaningTable([
    { step: "truecase", rows: 200, kept: 200, changed: 10, dropped: {}, ...empty },
    { step: "filterLength", rows: 200, kept: 150, changed: 0, dropped: { "too short": 49, "too long": 1 }, ...empty },
    { step: "dedupe exact", rows: 0, kept: 0, changed: 0, dropped: {}, ...empty },
  ]);
  expect(table.split("\n")).toEqual([
    "step          what                rows    share",
    "truecase      kept                 200  100.00%",
    "              rewritten             10    5.00%",
    "filterLength  kept                 150   75.00%",
    "              dropped: too short    49   24.50%",
    "              dropped: too long      1    0.50%",
    "dedupe exact  kept                   0        -",
  ]);
});

it("cleaningExamples shows some rows of each reason and some rewritten texts, each on one line", () => {
  const drop = (row: number, reason: string) => ({ step: "s", row, reason, detail: "d", excerpt: `a\n  text ${row}` });
  const report = {
    ...{ step: "s", rows: 9, kept: 5, changed: 3, dropped: { x: 3, y: 1 } },
    examples: [drop(1, "x"), { ...drop(2, "y"), prompt_id: "id" }, drop(3, "x"), drop(4, "x")],
    changes: [5, 6, 7].map((row) => ({ step: "s", row, before: "hi. you", after: "Hi. You" })),
  };
  expect(cleaningExamples([report]).split("\n")).toEqual([
    's, row 1: x, d: "a text 1"',
    's, row 3: x, d: "a text 3"',
    's, row 2 (id): y, d: "a text 2"',
    's, row 5: "hi. you" became "Hi. You"',
    's, row 6: "hi. you" became "Hi. You"',
  ]);
  expect(cleaningExamples([{ ...report, dropped: {}, examples: [], changes: [] }])).toBe("");
});
