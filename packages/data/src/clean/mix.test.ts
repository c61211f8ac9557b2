import { expect, it } from "vitest";
import { collectRows, rowsOf } from "../pipe.ts";
import { randomFor } from "../random.ts";
import { type MixReport, type MixSource, mix } from "./mix.ts";

const source = (name: string, count: number, fraction: number) => ({
  name,
  fraction,
  rows: rowsOf(Array.from({ length: count }, (_, i) => ({ prompt_id: `${name}${i}`, prompt: `${name} ${i}`, name, i }))),
});

it("takes each source's fraction exactly, in its own order, the same on both passes", async () => {
  let report: MixReport | undefined;
  const mixed = mix([source("a", 1000, 1), source("b", 100, 0.29), source("c", 5, 0.1)], {
    seed: 0,
    onReport: (it) => (report = it),
  });
  const rows = await collectRows(mixed);
  expect(await collectRows(mixed)).toEqual(rows);
  expect(report).toEqual({
    step: "mix",
    rows: 1029,
    sources: {
      a: { rows: 1000, taken: 1000, fraction: 1 },
      b: { rows: 100, taken: 29, fraction: 0.29 },
      c: { rows: 5, taken: 0, fraction: 0.1 },
    },
  });
  for (const name of ["a", "b"]) {
    const places = rows.filter((row) => row.name === name).map(({ i }) => i);
    expect(places).toEqual(places.toSorted((x, y) => x - y));
  }
  expect(new Set(rows.map(({ prompt_id }) => prompt_id)).size).toBe(1029);
});

it("spreads a source over the whole mixture", async () => {
  const rows = await collectRows(mix([source("a", 3000, 1), source("b", 1000, 1)], { seed: 2 }));
  for (let quarter = 0; quarter < 4; quarter += 1) {
    const share = rows.slice(quarter * 1000, (quarter + 1) * 1000).filter(({ name }) => name === "b").length;
    // 250 expected, standard deviation 12.
    expect(Math.abs(share - 250)).toBeLessThan(60);
  }
});

it("which rows are taken depends on the seed and the rows, not on their order", async () => {
  const { rows } = source("a", 500, 1);
  const all = await collectRows(rows);
  const taken = async (input: typeof all, seed: number) =>
    (await collectRows(mix([{ name: "a", rows: rowsOf(input), fraction: 0.3 }], { seed })))
      .map(({ i }) => i)
      .toSorted((x, y) => x - y);
  const first = await taken(all, 0);
  expect(first).toHaveLength(150);
  expect(await taken(randomFor(9, "x").shuffle(all), 0)).toEqual(first);
  expect((await taken(all, 1)).filter((i) => first.includes(i)).length).toBeLessThan(80);
});

it("repeated prompts are counted like any row", async () => {
  const rows = rowsOf(Array.from({ length: 10 }, (_, i) => ({ prompt: "same", i })));
  expect((await collectRows(mix([{ name: "a", rows, fraction: 0.3 }], { seed: 0 }))).map(({ i }) => i)).toEqual([0, 1, 2]);
});

it("closes its sources when the reader stops early, and refuses one that can be read only once", async () => {
  let closed = 0;
  const counted = {
    async *[Symbol.asyncIterator]() {
      try {
        for (let i = 0; i < 10; i += 1) yield { prompt: `${i}` };
      } finally {
        closed += 1;
      }
    },
  };
  for await (const _ of mix([{ name: "a", rows: counted, fraction: 1 }], { seed: 0 })) break;
  expect(closed).toBe(2);
  const once = counted[Symbol.asyncIterator]();
  await expect(collectRows(mix([{ name: "a", rows: once, fraction: 1 }], { seed: 0 }))).rejects.toMatchObject({
    code: "NOT_REITERABLE",
  });
});

it.each([
  [[], "there are no sources"],
  [[{ name: "a", fraction: 0 }], 'fraction of "a" is 0'],
  [[{ name: "a", fraction: 1.5 }], 'fraction of "a" is 1.5'],
  [
    [
      { name: "a", fraction: 1 },
      { name: "a", fraction: 1 },
    ],
    'two sources are named "a"',
  ],
])("%j is refused", (sources, message) => {
  expect(() => mix(sources as unknown as MixSource<object>[], { seed: 0 })).toThrow(message);
});
