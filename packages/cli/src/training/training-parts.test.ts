import { rowsOf, transform, type UntypedRow } from "@zephyr/data";
import { describe, expect, it } from "vitest";
import { bestEvaluation, isOver, metricNamed } from "./best-evaluation.ts";
import { refuseExplodedLoss } from "./divergence.ts";
import { namingRows, rowTrail } from "./row-names.ts";

const evaluations = (values: number[], name = "eval_loss") =>
  values.flatMap((value, i) => [
    { step: 2 * i + 1, loss: 9 },
    { step: 2 * i + 2, loss: 9 },
    { step: 2 * i + 2, [name]: value, eval_entropy: 1 },
  ]);
const lossBest = { metric: "eval_loss", greaterIsBetter: false, patience: 2, threshold: 0 };

describe("bestEvaluation", () => {
  it("is strictly better than all before it, and waits over those that are not", () => {
    expect(bestEvaluation([{ step: 1, loss: 1 }], lossBest)).toBeUndefined();
    expect(bestEvaluation(evaluations([3, 2, 2, 2.5]), lossBest)).toEqual({ step: 4, value: 2, waited: 2 });
    expect(isOver(bestEvaluation(evaluations([3, 2, 2, 2.5]), lossBest), lossBest)).toBe(true);
    expect(isOver(bestEvaluation(evaluations([3, 2, 2, 2.5, 1]), lossBest), lossBest)).toBe(false);
    expect(isOver(bestEvaluation(evaluations([1, 2, 3, 4]), lossBest), { ...lossBest, patience: undefined })).toBe(false);
  });

  it("a small gain is a new best but, below the threshold, no improvement; an accuracy grows", () => {
    const slow = { ...lossBest, threshold: 0.5 };
    expect(bestEvaluation(evaluations([3, 2.9, 2.8]), slow)).toEqual({ step: 6, value: 2.8, waited: 2 });
    const accuracy = { metric: "eval_rewards/accuracies", greaterIsBetter: true, patience: 1, threshold: 0 };
    expect(bestEvaluation(evaluations([0.5, 0.7, 0.6], accuracy.metric), accuracy)).toEqual({ step: 4, value: 0.7, waited: 1 });
    expect(() => bestEvaluation(evaluations([1]), accuracy)).toThrow(/rewards\/accuracies is not measured; there are eval_loss/);
    expect(metricNamed("loss")).toEqual({ metric: "eval_loss", greaterIsBetter: false });
    expect(metricNamed("eval_rewards/margins")).toEqual({ metric: "eval_rewards/margins", greaterIsBetter: true });
  });
});

describe("refuseExplodedLoss", () => {
  const judge = (loss: number, firstLoss: number, limit?: number) => () =>
    refuseExplodedLoss({ step: 7, loss, firstLoss, limit, rows: ["a", "row 3"] });
  it("stops above twenty times the first loss, or twenty, naming step and rows", () => {
    expect(judge(20.1, 0.69)).toThrow(
      expect.objectContaining({
        code: "ERR_DIVERGED",
        step: 7,
        rowIds: ["a", "row 3"],
        message: expect.stringMatching(/step 7 .* rows are a, row 3;/),
      }),
    );
    for (const fine of [judge(19.9, 0.69), judge(199, 10), judge(-1e9, 1), judge(1e9, 1, 0), judge(30, 1, 31)])
      expect(fine).not.toThrow();
    expect(judge(201, 10)).toThrow(/201/);
    expect(judge(3, 1, 2)).toThrow(/now 2\.000/);
  });
});

describe("rows of a batch", () => {
  it("are named by prompt_id or by their place in the data, whatever was dropped; packs by their own", async () => {
    const dropSecond = transform(async function* (rows: AsyncIterable<UntypedRow>) {
      for await (const row of rows) if (row["x"] !== 1) yield row;
    });
    const named = async (rows: UntypedRow[], tokenize = dropSecond) => {
      const found: unknown[] = [];
      for await (const row of namingRows<UntypedRow>(tokenize)(rowsOf(rows))) found.push(row);
      return found;
    };
    const rows = [{ x: 0, prompt_id: "id" }, { x: 1 }, { x: 2 }, { x: 3, prompt_id: 5 }];
    expect(await named(rows)).toEqual([
      { x: 0, prompt_id: "id" },
      { x: 2, prompt_id: "row 2" },
      { x: 3, prompt_id: "5" },
    ]);
    const pack = transform(async function* (all: AsyncIterable<UntypedRow>) {
      for await (const { x } of all) yield { x };
    });
    expect(await named(rows.slice(0, 2), pack)).toEqual([
      { x: 0, prompt_id: "pack 0" },
      { x: 1, prompt_id: "pack 1" },
    ]);
  });

  it("are those since the last step, also where an epoch ends in a smaller one", async () => {
    const trail = rowTrail<{ rowIds: string[] }>(2);
    const batches = (names: string[]) => trail.follow(rowsOf(names.map((name) => ({ rowIds: [name] }))));
    for await (const _ of batches(["counted", "first", "only"]));
    const taken: string[][] = [];
    let read = 0;
    for await (const _ of batches(["a", "b", "c"])) if (++read % 2 === 0) taken.push(trail.take());
    taken.push(trail.take());
    expect(taken).toEqual([["a", "b"], ["c"]]);
  });
});
