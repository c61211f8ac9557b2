import { expect, it } from "vitest";
import { cleaningTable } from "./report.ts";

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
