import { expect, it } from "vitest";
import { collectRows, rowsOf } from "../pipe.ts";
import { randomFor } from "../random.ts";
import { type SplitReport, split } from "./split.ts";

const rows = Array.from({ length: 1000 }, (_, i) => ({
  prompt_id: `p${i}`,
  prompt: `q${i}`,
  source: `s${i % 7 === 0 ? 0 : i % 3}`,
}));
const parts = { train: 0.9, test: 0.07, dev: 0.03 };

async function idsOf(input: typeof rows, options: { seed?: number; stratifyBy?: string } = {}) {
  const split3 = split({ parts, seed: 0, ...options })(rowsOf(input));
  const entries = Object.entries(split3).map(async ([name, part]) => [
    name,
    (await collectRows(part)).map(({ prompt_id }) => prompt_id),
  ]);
  return Object.fromEntries(await Promise.all(entries)) as Record<keyof typeof parts, string[]>;
}

it("has exactly the fractions asked for, each row in one part, in the rows' order", async () => {
  const { train, test, dev } = await idsOf(rows);
  expect([train.length, test.length, dev.length]).toEqual([900, 70, 30]);
  expect(new Set([...train, ...test, ...dev]).size).toBe(1000);
  expect(test).toEqual(test.toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1))));
});

it("does not depend on the rows' order, but on the seed", async () => {
  const first = await idsOf(rows);
  const shuffled = await idsOf(randomFor(3, "x").shuffle(rows));
  expect(shuffled.test.toSorted()).toEqual(first.test.toSorted());
  const other = await idsOf(rows, { seed: 1 });
  expect(other.test.filter((id) => first.test.includes(id)).length).toBeLessThan(20);
});

it("every part is the same on its second pass", async () => {
  const { test } = split({ parts, seed: 0 })(rowsOf(rows));
  expect(await collectRows(test)).toEqual(await collectRows(test));
});

it("stratified, each source has its fraction to within one prompt, and the totals stay exact", async () => {
  const { train, test, dev } = await idsOf(rows, { stratifyBy: "source" });
  expect([train.length, test.length, dev.length]).toEqual([900, 70, 30]);
  const sourceOf = new Map(rows.map(({ prompt_id, source }) => [prompt_id, source]));
  for (const source of ["s0", "s1", "s2"]) {
    const size = rows.filter((row) => row.source === source).length;
    for (const [name, ids] of Object.entries({ train, test, dev })) {
      const share = ids.filter((id) => sourceOf.get(id) === source).length;
      expect(Math.abs(share - parts[name as keyof typeof parts] * size)).toBeLessThanOrEqual(1);
    }
  }
});

it("keeps rows of one prompt together, by prompt_id or else by the prompt itself", async () => {
  const repeated = Array.from({ length: 600 }, (_, i) => ({ id: i, prompt: `q${i % 100}`, chosen: `c${i}` }));
  let report: SplitReport | undefined;
  const { train, test } = split({ parts: { train: 0.8, test: 0.2 }, seed: 0, onReport: (it) => (report = it) })(rowsOf(repeated));
  const [left, right] = [await collectRows(train), await collectRows(test)];
  expect([left.length, right.length]).toEqual([480, 120]);
  const prompts = new Set(left.map(({ prompt }) => prompt));
  expect(right.filter(({ prompt }) => prompts.has(prompt))).toEqual([]);
  expect(report).toEqual({
    step: "split",
    rows: 600,
    parts: { train: { rows: 480, prompts: 80, strata: { all: 480 } }, test: { rows: 120, prompts: 20, strata: { all: 120 } } },
  });
});

it("splits few rows and none", async () => {
  const two = split({ parts: { train: 0.5, test: 0.5 }, seed: 0 })(rowsOf(rows.slice(0, 2)));
  expect([(await collectRows(two.train)).length, (await collectRows(two.test)).length]).toEqual([1, 1]);
  const none = split({ parts: { train: 0.5, test: 0.5 }, seed: 0 })(rowsOf<object>([]));
  expect(await collectRows(none.test)).toEqual([]);
});

it("refuses rows that can be read only once", async () => {
  const once = (async function* () {
    yield* rows;
  })();
  await expect(collectRows(split({ parts, seed: 0 })(once).test)).rejects.toMatchObject({ code: "NOT_REITERABLE" });
});

it.each([
  [{ train: 0.5, test: 0.4 }, 0, "parts are train=0.5,test=0.4; give fractions above 0 that add up to 1"],
  [{ train: 1, test: 0 }, 0, "parts are train=1,test=0"],
  [{ train: Number.NaN }, 0, "parts are train=NaN"],
  [{}, 0, "parts are none"],
  [{ train: 1 }, 0.5, "seed is 0.5"],
])("%j with seed %d is refused", (fractions, seed, message) => {
  expect(() => split({ parts: fractions as Record<string, number>, seed })).toThrow(message);
});
