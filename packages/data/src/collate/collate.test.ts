import { expect, test } from "vitest";
import { collectRows, pipe, rowsOf } from "../pipe.ts";
import { randomFor } from "../random.ts";
import type { TokenizedPreferenceRow, TokenizedRow } from "../rows.ts";
import { bestFitDecreasing } from "./best-fit.ts";
import { collatePreferences } from "./collate-preferences.ts";
import { collateSequences } from "./collate-sequences.ts";
import { packSequences } from "./pack-sequences.ts";

/** The same rule by plain search over all bins. */
function bestFitBySearch(lengths: number[], capacity: number): number[][] {
  const bins: { items: number[]; space: number; since: number }[] = [];
  let clock = 0;
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  for (const i of order) {
    const fitting = bins.filter(({ space }) => space >= lengths[i]!);
    const best = fitting.sort((a, b) => a.space - b.space || a.since - b.since)[0] ?? { items: [], space: capacity, since: 0 };
    if (best.items.length === 0) bins.push(best);
    best.items.push(i);
    best.space -= lengths[i]!;
    best.since = clock++;
  }
  return bins.map(({ items }) => items);
}

test("best fit decreasing equals a plain search for any lengths", () => {
  for (let round = 0; round < 200; round++) {
    const random = randomFor(round, "bfd");
    const capacity = 1 + random.integer(70);
    const lengths = Array.from({ length: random.integer(60) }, () => 1 + random.integer(capacity));
    expect(bestFitDecreasing(lengths, capacity)).toEqual(bestFitBySearch(lengths, capacity));
  }
});

test("packing fills 97% of the capacity on dialogue-like lengths", async () => {
  const random = randomFor(3, "dialogues");
  const rows = Array.from({ length: 3000 }, () => {
    const length = Math.max(8, Math.min(2048, Math.round(Math.exp(6.7 + 0.6 * random.normal()))));
    return { input_ids: new Array<number>(length).fill(1), completion_mask: new Array<number>(length).fill(1) };
  });
  for (const strategy of ["bfd", "bfd_split", "wrapped"] as const) {
    const packs = await collectRows(pipe(rowsOf(rows), packSequences({ maxLength: 2048, strategy })));
    const tokens = packs.reduce((sum, { input_ids }) => sum + input_ids.length, 0);
    expect(tokens).toBe(rows.reduce((sum, { input_ids }) => sum + input_ids.length, 0));
    expect(tokens / (packs.length * 2048)).toBeGreaterThan(0.97);
  }
});

const row = (length: number, from = 10): TokenizedRow => ({
  input_ids: Array.from({ length }, (_, i) => from + i),
  completion_mask: new Array<number>(length).fill(1),
});

test("masks are cut with the ids, empty rows vanish, a document is as long as the pack", async () => {
  const rows = [row(0), { input_ids: [1, 2, 3, 4, 5], completion_mask: [0, 0, 1, 0, 1] }];
  const pack = (strategy: "bfd" | "bfd_split" | "wrapped", maxLength: number) =>
    collectRows(pipe(rowsOf(rows), packSequences({ maxLength, strategy })));
  expect(await pack("bfd", 3)).toEqual([{ input_ids: [1, 2, 3], completion_mask: [0, 0, 1], seq_lengths: [3] }]);
  expect(await pack("bfd_split", 3)).toEqual([
    { input_ids: [1, 2, 3], completion_mask: [0, 0, 1], seq_lengths: [3] },
    { input_ids: [4, 5], completion_mask: [0, 1], seq_lengths: [2] },
  ]);
  expect(await pack("wrapped", 4)).toEqual([
    { input_ids: [1, 2, 3, 4], completion_mask: [0, 0, 1, 0] },
    { input_ids: [5], completion_mask: [1] },
  ]);
  expect(await pack("bfd", 5)).toEqual([{ input_ids: [1, 2, 3, 4, 5], completion_mask: [0, 0, 1, 0, 1], seq_lengths: [5] }]);
  expect(() => packSequences({ maxLength: 0 })).toThrow("maxLength is 0");
  expect(() => packSequences({ maxLength: 8, strategy: "ffd" as "bfd" })).toThrow('unknown strategy "ffd"');
});

test("documents of a pack are sequences of their own, whose first token is never a target", async () => {
  const packed = { ...row(5), seq_lengths: [2, 3] };
  const [batch] = await collectRows(pipe(rowsOf([packed, row(2, 50)]), collateSequences({ sequencesPerBatch: 2 })));
  expect([...batch!.sequenceOffsets]).toEqual([0, 2, 5, 7]);
  expect([...batch!.positions]).toEqual([0, 1, 0, 1, 2, 0, 1]);
  expect([...batch!.completionMask]).toEqual([0, 1, 0, 1, 1, 0, 1]);
  expect(batch!.rowIds).toEqual(["row 0", "row 1"]);
});

test("tokensPerBatch fills batches in order without cutting a row, and names a row that is too long", async () => {
  const rows = rowsOf([3, 3, 2, 5, 1, 8].map((length) => row(length)));
  const batches = await collectRows(pipe(rows, collateSequences({ tokensPerBatch: 8 })));
  expect(batches.map((batch) => [...batch.sequenceOffsets])).toEqual([
    [0, 3, 6, 8],
    [0, 5, 6],
    [0, 8],
  ]);
  expect(batches.flatMap((batch) => batch.rowIds)).toEqual(["row 0", "row 1", "row 2", "row 3", "row 4", "row 5"]);
  await expect(collectRows(pipe(rows, collateSequences({ tokensPerBatch: 7 })))).rejects.toThrow(
    "row 5 has 8 tokens, but a batch holds 7",
  );
  expect(() => collateSequences({ sequencesPerBatch: 0 })).toThrow("sequencesPerBatch is 0");
});

test("rows whose lists disagree are refused", async () => {
  const collate = (bad: object) => collectRows(pipe(rowsOf([bad as TokenizedRow]), collateSequences({ sequencesPerBatch: 1 })));
  await expect(collate({ prompt_id: "p", input_ids: [1, 2], completion_mask: [1] })).rejects.toThrow(
    "p has 2 input_ids but 1 entries",
  );
  await expect(collate({ ...row(3), seq_lengths: [1, 1] })).rejects.toThrow("add up to 2, but there are 3");
});

const pair = (n: number, more: Partial<TokenizedPreferenceRow> = {}): TokenizedPreferenceRow => ({
  prompt_ids: [1, n],
  chosen_ids: [5, 6],
  rejected_ids: [7],
  ...more,
});

test("reference log-probabilities travel in float64, in row order; the last batch is smaller", async () => {
  const rows = [0, 1, 2].map((n) => pair(n, { ref_chosen_logps: -1.1 - n, ref_rejected_logps: -1e300 * (n + 1) }));
  const batches = await collectRows(pipe(rowsOf(rows), collatePreferences({ pairsPerBatch: 2 })));
  expect(batches.map(({ pairs }) => pairs)).toEqual([2, 1]);
  expect([...batches[0]!.refChosenLogps!]).toEqual([-1.1, -2.1]);
  expect([...batches[1]!.refRejectedLogps!]).toEqual([-3e300]);
  expect([...batches[0]!.sequenceOffsets]).toEqual([0, 4, 8, 11, 14]);
  expect([...batches[0]!.inputIds]).toEqual([1, 0, 5, 6, 1, 1, 5, 6, 1, 0, 7, 1, 1, 7]);
  expect([...batches[0]!.completionMask]).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 1]);
  const [plain] = await collectRows(pipe(rowsOf([pair(0)]), collatePreferences({ pairsPerBatch: 2 })));
  expect("refChosenLogps" in plain!).toBe(false);
});

test("a batch with references for some rows or columns only is refused, as is an empty answer", async () => {
  const collate = (...rows: object[]) =>
    collectRows(pipe(rowsOf(rows as TokenizedPreferenceRow[]), collatePreferences({ pairsPerBatch: 4 })));
  const full = { ref_chosen_logps: -1, ref_rejected_logps: -1 };
  await expect(collate(pair(0, full), pair(1))).rejects.toThrow("row 1 has no ref_chosen_logps");
  await expect(collate(pair(0, { ref_chosen_logps: -1 }))).rejects.toThrow("row 0 has no ref_rejected_logps");
  await expect(collate({ ...pair(0), prompt_id: "x", rejected_ids: [] })).rejects.toThrow("x: rejected_ids is empty");
  expect(() => collatePreferences({ pairsPerBatch: 1.5 })).toThrow("pairsPerBatch is 1.5");
});
