import { expect, test } from "vitest";
import { collectRows, concatRows, filterRows, mapRows, pipe, rowsOf, takeRows, transform } from "./pipe.ts";
import { randomFor } from "./random.ts";
import { shuffleRows } from "./shuffle-rows.ts";

const numbers = rowsOf(Array.from({ length: 10 }, (_, n) => ({ n, extra: `x${n}` })));

test("a pipeline of every kind of stage yields the same rows in the second epoch", async () => {
  const rows = pipe(
    concatRows(numbers, numbers),
    mapRows((row, index) => ({ ...row, index })),
    filterRows((row: { n: number }) => row.n % 2 === 0),
    shuffleRows({ seed: 3 }),
    takeRows(7),
  );
  const first = await collectRows(rows);
  expect(first).toHaveLength(7);
  expect(first.every((row) => row.extra === `x${row.n}`)).toBe(true);
  expect(await collectRows(rows)).toEqual(first);
});

test("takeRows stops its source", async () => {
  let closed = false;
  const endless = {
    async *[Symbol.asyncIterator]() {
      try {
        for (let n = 0; ; n++) yield { n };
      } finally {
        closed = true;
      }
    },
  };
  expect(await collectRows(pipe(endless, takeRows(2)))).toEqual([{ n: 0 }, { n: 1 }]);
  expect(closed).toBe(true);
  expect(await collectRows(pipe(endless, takeRows(0)))).toEqual([]);
  expect(() => takeRows(-1)).toThrow("count is -1");
});

test("a transform over a one-shot source runs its generator once per iteration", async () => {
  let runs = 0;
  const counted = transform(async function* (rows: AsyncIterable<{ n: number }>) {
    runs++;
    yield* rows;
  })(numbers);
  expect(runs).toBe(0);
  await collectRows(counted);
  await collectRows(counted);
  expect(runs).toBe(2);
});

test("randomFor depends on seed and key only, and is spread evenly", () => {
  expect(randomFor(1, "a").next()).toBe(randomFor(1, "a").next());
  const first = new Set(
    [randomFor(1, "a"), randomFor(2, "a"), randomFor(1, "b"), randomFor(1, 7), randomFor(1, "7")].map((r) => r.next()),
  );
  expect(first.size).toBe(5);
  const counts = new Array<number>(4).fill(0);
  for (let key = 0; key < 40_000; key++) counts[randomFor(0, `row-${key}`).integer(4)]!++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  const random = randomFor(5);
  const normals = Array.from({ length: 20_000 }, () => random.normal());
  const mean = normals.reduce((sum, x) => sum + x) / normals.length;
  const variance = normals.reduce((sum, x) => sum + (x - mean) ** 2, 0) / normals.length;
  expect(Math.abs(mean)).toBeLessThan(0.03);
  expect(Math.abs(variance - 1)).toBeLessThan(0.05);
  expect(() => randomFor(0.5)).toThrow("whole number");
  expect(() => randomFor(0).integer(0)).toThrow("bound");
});

test("shuffleRows keeps every row, changes with the seed, and every first place is possible", async () => {
  const firsts = new Set<number>();
  for (let seed = 0; seed < 200; seed++) {
    const rows = await collectRows(pipe(numbers, shuffleRows({ seed })));
    expect(rows.map((row) => row.n).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    firsts.add(rows[0]!.n);
  }
  expect(firsts.size).toBe(10);
});
