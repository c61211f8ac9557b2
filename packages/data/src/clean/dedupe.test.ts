import { expect, it } from "vitest";
import { collectRows, rowsOf } from "../pipe.ts";
import { randomFor } from "../random.ts";
import { dedupe } from "./dedupe.ts";
import { bucketKeys, minhashSignature, shinglesOf } from "./minhash.ts";
import type { CleanReport } from "./report.ts";

const ids = (rows: { id: number }[]) => rows.map(({ id }) => id);

it("exact keeps the first of rows with the same texts from the same speakers, whatever their other columns", async () => {
  let report: CleanReport | undefined;
  const row = (id: number, role: string, content: string) => ({ id, messages: [{ role, content }] });
  const rows = [
    row(1, "user", "a"),
    row(2, "user", "a "),
    row(3, "user", "a"),
    row(4, "assistant", "a"),
    row(5, "user", "A"),
    row(6, "user", "a"),
  ];
  const kept = dedupe({ method: "exact", onReport: (it) => (report = it) })(rowsOf(rows));
  for (const _ of [1, 2]) {
    expect(ids(await collectRows(kept))).toEqual([1, 2, 4, 5]);
    expect(report).toMatchObject({ kept: 4, dropped: { duplicate: 2 } });
    expect(report!.examples.map(({ row: at, detail }) => [at, detail])).toEqual([
      [3, "of row 1"],
      [6, "of row 1"],
    ]);
  }
});

it("texts that only add up to the same are no duplicates", async () => {
  const rows = [
    { id: 1, prompt: "ab", completion: "c" },
    { id: 2, prompt: "a", completion: "bc" },
  ];
  expect(await collectRows(dedupe({ method: "exact" })(rowsOf(rows)))).toHaveLength(2);
});

it("compares prompts alone if told to", async () => {
  const rows = [
    { id: 1, prompt: "p", completion: "c" },
    { id: 2, prompt: "p", completion: "d" },
    { id: 3, prompt: [{ role: "user", content: "p" }] },
  ];
  expect(ids(await collectRows(dedupe({ method: "exact", by: "prompt" })(rowsOf(rows))))).toEqual([1]);
});

it("exact equals a plain set on 50,000 rows, through every growth of the table", async () => {
  const random = randomFor(1, "dedupe");
  const rows = Array.from({ length: 50_000 }, (_, id) => ({ id, text: `text ${random.integer(30_000)}` }));
  const seen = new Set<string>();
  const expected = rows.filter(({ text }) => !seen.has(text) && seen.add(text));
  expect(ids(await collectRows(dedupe({ method: "exact" })(rowsOf(rows))))).toEqual(ids(expected));
});

it("minhash drops copies that differ in case, punctuation and a word, and keeps different texts", async () => {
  const text = Array.from({ length: 120 }, (_, i) => `word${i % 37} number${i}`).join(" ");
  const rows = [
    { id: 1, text },
    { id: 2, text: `${text.toUpperCase().replaceAll(" ", ",  ")}!!!` },
    { id: 3, text: `${text} more` },
    { id: 4, text: Array.from({ length: 120 }, (_, i) => `other${i % 41} thing${i}`).join(" ") },
    { id: 5, text: "hi" },
    { id: 6, text: "Hi!" },
    { id: 7, text: "?" },
    { id: 8, text: "!" },
    { id: 9, text: "" },
  ];
  expect(ids(await collectRows(dedupe({ method: "minhash" })(rowsOf(rows))))).toEqual([1, 4, 5, 7, 8, 9]);
});

/** Two shingle sets of `size` whose Jaccard similarity is that of `common` shared ones. */
function shinglePair(seed: number, size: number, common: number): [Int32Array, Int32Array] {
  const random = randomFor(seed, "shingles");
  const draw = (count: number) => Array.from({ length: count }, () => random.integer(2 ** 32) | 0);
  const shared = draw(common);
  return [Int32Array.from([...shared, ...draw(size - common)]), Int32Array.from([...shared, ...draw(size - common)])];
}

function meet(a: Int32Array, b: Int32Array): boolean {
  const [left, right] = [bucketKeys(minhashSignature(a)), bucketKeys(minhashSignature(b))];
  return left.low.some((low, i) => low === right.low[i] && left.high[i] === right.high[i]);
}

it.each([
  // 90 shingles each; J = common / (180 - common).
  [80, 0.8],
  [60, 0.5],
  [0, 0],
])("with %i of 90 shingles in common pairs meet as often as theory says at J = %f", (common, jaccard) => {
  const pairs = 4000;
  let met = 0;
  let equal = 0;
  for (let seed = 0; seed < pairs; seed += 1) {
    const [a, b] = shinglePair(seed, 90, common);
    if (meet(a, b)) met += 1;
    if (seed < 500) {
      const [left, right] = [minhashSignature(a), minhashSignature(b)];
      equal += left.filter((value, i) => value === right[i]).length;
    }
  }
  const theory = 1 - (1 - jaccard ** 8) ** 14;
  // 2 points are 4.8 standard deviations at J = 0.8.
  expect(Math.abs(met / pairs - theory)).toBeLessThan(0.02);
  expect(Math.abs(equal / (500 * 112) - jaccard)).toBeLessThan(0.01);
});

it("finds texts of Jaccard similarity 0.8 as often as theory says", async () => {
  const pairs = 3000;
  const rows: { id: number; text: string }[] = [];
  for (let id = 0; id < pairs; id += 1) {
    const random = randomFor(id, "texts");
    const words = (count: number) => Array.from({ length: count }, () => `w${random.integer(1e9)}`);
    // 84 words in common give 80 common shingles of 5; 10 words more give 90 shingles in each text.
    const common = words(84);
    rows.push({ id, text: [...common, ...words(10)].join(" ") }, { id: id + pairs, text: [...common, ...words(10)].join(" ") });
  }
  const kept = await collectRows(dedupe({ method: "minhash" })(rowsOf(rows)));
  const found = 2 * pairs - kept.length;
  expect(Math.abs(found / pairs - 0.924)).toBeLessThan(0.02);
  expect(kept.filter(({ id }) => id < pairs)).toHaveLength(pairs);
});

it("shingles are the 5-grams of words, one for a shorter text", () => {
  expect(shinglesOf("a b c d e f g")).toHaveLength(3);
  expect(shinglesOf("a b")).toHaveLength(1);
  expect(shinglesOf("...")).toHaveLength(0);
  expect(shinglesOf("x a b c d e")[1]).toBe(shinglesOf("A, b c D! e")[0]);
  expect(shinglesOf("a b c d e")[0]).not.toBe(shinglesOf("b a c d e")[0]);
});

it("an unknown method is refused", () => {
  expect(() => dedupe({ method: "fuzzy" as "exact" })).toThrow('dedupe: method is "fuzzy"; it must be "exact" or "minhash"');
});
