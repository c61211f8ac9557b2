import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { appendLog, cutLog, readLog } from "./log-history.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "log-"));
  path = join(folder, "log_history.jsonl");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = async (steps: number[]) => {
  for (const step of steps) await appendLog(path, { step, loss: 0.1 * step });
};

describe("the log", () => {
  it("gives back what was appended, to the last digit", async () => {
    await appendLog(path, { step: 1, loss: Math.LN2, "rewards/margins": -0 });
    await appendLog(path, { step: 1, eval_loss: 5e-324 });
    expect(await readLog(path)).toEqual([
      { step: 1, loss: Math.LN2, "rewards/margins": 0 },
      { step: 1, eval_loss: 5e-324 },
    ]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses %d, naming file, step and metric", async (loss) => {
    await expect(appendLog(path, { step: 3, loss })).rejects.toThrow(/"loss" of step 3 of .*log_history/);
    expect(await readLog(path)).toEqual([]);
  });

  it("is cut back to a step, evaluation lines included, the rest byte for byte as it was", async () => {
    await write([1, 2]);
    await appendFile(path, '{"step": 2,  "eval_loss": 1.50}\n');
    const before = await readFile(path, "utf8");
    await write([3, 4]);
    expect(await cutLog(path, 2)).toEqual({ kept: 3, dropped: 2 });
    expect(await readFile(path, "utf8")).toBe(before);
    expect(await cutLog(path, 99)).toEqual({ kept: 3, dropped: 0 });
    expect(await cutLog(path, 0)).toEqual({ kept: 0, dropped: 3 });
    expect(await readFile(path, "utf8")).toBe("");
  });

  it.each(['{"step": 3, "lo', "{", '{"step"', "\0\0\0\0", '{"step": "3"}'])("a torn last line %j is dropped", async (torn) => {
    await write([1, 2]);
    await appendFile(path, torn);
    expect((await readLog(path)).length).toBe(2);
    expect(await cutLog(path, 5)).toEqual({ kept: 2, dropped: 1 });
    await write([3]);
    expect((await readLog(path)).map(({ step }) => step)).toEqual([1, 2, 3]);
  });

  it("a last line that lacks only its end is kept, and completed", async () => {
    await writeFile(path, '{"step":1}\n{"step":2}');
    expect(await cutLog(path, 2)).toEqual({ kept: 2, dropped: 0 });
    expect(await readFile(path, "utf8")).toBe('{"step":1}\n{"step":2}\n');
  });

  it("a bad line in the middle is an error naming it", async () => {
    await writeFile(path, '{"step":1}\n\n{"loss":2}\n{"step":3}\n');
    await expect(readLog(path)).rejects.toThrow(/line 3 of/);
    await expect(cutLog(path, 1)).rejects.toMatchObject({ code: "ERR_LOG" });
  });

  it("a log that does not exist is empty", async () => {
    expect(await cutLog(path, 5)).toEqual({ kept: 0, dropped: 0 });
  });
});
