import { expect, test } from "vitest";
import { orderedMap } from "./ordered-map.ts";

async function* count(to: number, onEnd = () => {}): AsyncGenerator<number> {
  try {
    for (let i = 0; i < to; i++) yield i;
  } finally {
    onEnd();
  }
}

/** Work that ends when the test says so. */
function byHand() {
  const ends = new Map<number, { resolve(value: number): void; reject(error: Error): void }>();
  const work = (row: number): Promise<number> => new Promise((resolve, reject) => ends.set(row, { resolve, reject }));
  return {
    work,
    ends,
    end: (row: number) => ends.get(row)!.resolve(10 * row),
    fail: (row: number, e: Error) => ends.get(row)!.reject(e),
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("results keep the rows' order whatever order they are done in", async () => {
  const delays = [3, 0, 2, 0, 1, 0, 0];
  const work = async (row: number): Promise<number> => {
    for (let i = 0; i < delays[row]!; i++) await turn();
    return row;
  };
  const results: number[] = [];
  for await (const result of orderedMap(count(7), { atOnce: 3, window: 5 }, work)) results.push(result);
  expect(results).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

test("so many rows are worked at, and behind a slow one so many are held", async () => {
  const { work, ends, end } = byHand();
  const results = orderedMap(count(100), { atOnce: 2, window: 5 }, work);
  const first = results.next();
  await turn();
  expect([...ends.keys()]).toEqual([0, 1]);
  for (const row of [1, 2, 3, 4]) {
    end(row);
    await turn();
  }
  // Row 0 is not done: four that are wait for it, and no sixth is taken.
  expect([...ends.keys()]).toEqual([0, 1, 2, 3, 4]);
  end(0);
  expect(await first).toEqual({ done: false, value: 0 });
  for (const value of [10, 20, 30, 40]) expect(await results.next()).toEqual({ done: false, value });
  const left = results.return(undefined);
  await turn();
  for (const row of ends.keys()) end(row);
  await left;
});

test("a result that is done does not wait for a slow source", async () => {
  let release = (): void => {};
  async function* slow(): AsyncGenerator<number> {
    yield 0;
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    yield 1;
  }
  const results = orderedMap(slow(), { atOnce: 4, window: 8 }, async (row) => row);
  expect(await results.next()).toEqual({ done: false, value: 0 });
  const second = results.next();
  await turn();
  release();
  expect(await second).toEqual({ done: false, value: 1 });
  expect((await results.next()).done).toBe(true);
});

test("rows that end in an error stop what is not sent, and their error is thrown when the rest is over", async () => {
  async function* broken(): AsyncGenerator<number> {
    yield 0;
    throw new Error("no more rows");
  }
  const { work, end } = byHand();
  const log: string[] = [];
  const thrown = orderedMap(broken(), { atOnce: 4, window: 8, stopped: () => log.push("stopped") }, work)
    .next()
    .then(
      () => "a result",
      (error) => error.message,
    );
  await turn();
  expect(log).toEqual(["stopped"]);
  end(0);
  expect(await thrown).toBe("no more rows");
});

test("leaving early stops, waits for what is at work and ends the source", async () => {
  const { work, ends, end } = byHand();
  const log: string[] = [];
  const rows = count(9, () => log.push("source ended"));
  const results = orderedMap(rows, { atOnce: 3, window: 9, stopped: () => log.push("stopped") }, work);
  const first = results.next();
  await turn();
  end(0);
  await first;
  const left = results.return(undefined).then(() => log.push("left"));
  await turn();
  expect(log).toEqual(["stopped"]);
  for (const row of ends.keys()) end(row);
  await left;
  expect(log).toEqual(["stopped", "source ended", "left"]);
});

test("after an error no row is taken, and it is thrown when the others are over", async () => {
  const { work, ends, end, fail } = byHand();
  const results = orderedMap(count(9), { atOnce: 3, window: 9 }, work);
  const first = results.next().then(
    () => "a result",
    (error) => error.message,
  );
  await turn();
  fail(1, new Error("row 1"));
  await turn();
  end(0);
  await turn();
  expect([...ends.keys()]).toEqual([0, 1, 2]);
  end(2);
  expect(await first).toBe("row 1");
});
