import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAsker, fromGenerate } from "@zephyr/aif";
import type { Generate } from "@zephyr/data";
import { expect, test } from "vitest";
import { compare } from "../pairwise/compare.ts";
import { journaledJudge } from "./journaled-judge.ts";
import { previewCost } from "./preview-cost.ts";

const set = (name: string, size: number) => ({
  name,
  answers: Array.from({ length: size }, (_, i) => ({ prompt_id: `p${i}`, prompt: `question ${i}`, content: `${name} ${i}` })),
});

test("the preview counts every call, sends nothing, stores nothing, and leaves out what is answered", async () => {
  const stored = new Map<string, { content: string; model: string; finishReason: string }>();
  const replies = {
    get: (key: string) => stored.get(key),
    put: (key: string, value: { content: string; model: string; finishReason: string }) => void stored.set(key, value),
  };
  const run = (judge: Generate, kept: typeof replies) =>
    compare({ a: set("a", 10), b: set("b", 10), judge, replies: kept, maxTokens: 300 });
  const options = { replies, price: { inputPerMillion: 10, outputPerMillion: 20 }, typicalCompletionTokens: 50 };
  const preview = await previewCost(
    (judge, readOnly) => compare({ a: set("a", 10), b: set("b", 10), judge, replies: readOnly, maxTokens: 300 }),
    options,
  );
  expect(preview).toMatchObject({ requests: 20, completion_tokens: [1000, 6000] });
  expect(preview.cost_usd![1] - preview.cost_usd![0]).toBeCloseTo((5000 * 20) / 1e6, 12);
  expect(stored.size).toBe(0);
  await run(async () => ({ content: "Verdict: tie", model: "j", finishReason: "stop" }), replies);
  expect(
    await previewCost(
      (judge, readOnly) => compare({ a: set("a", 12), b: set("b", 12), judge, replies: readOnly, maxTokens: 300 }),
      options,
    ),
  ).toMatchObject({ requests: 4 });
});

test("through the journal of @zephyr/aif a second run asks nothing, and a budget that is spent ends the run", async () => {
  const folder = mkdtempSync(join(tmpdir(), "zephyr-judge-"));
  let calls = 0;
  const generate: Generate = async () => {
    calls++;
    return { content: "Verdict: A", model: "j", finishReason: "stop", usage: { prompt_tokens: 300, completion_tokens: 10 } };
  };
  try {
    const model = fromGenerate("j", generate, { price: { inputPerMillion: 10, outputPerMillion: 20 } });
    const run = async (budgetUsd: number, size: number) => {
      const asker = await createAsker({ models: [model], journal: join(folder, "journal"), budgetUsd });
      try {
        return await compare({ a: set("a", size), b: set("b", size), judge: journaledJudge(asker, model) });
      } finally {
        await asker.close();
      }
    };
    const first = await run(1, 4);
    expect(calls).toBe(8);
    expect(await run(1, 4)).toEqual(first);
    expect(calls).toBe(8);
    await expect(run(0.03, 40)).rejects.toMatchObject({ kind: "budget" });
    expect(calls).toBeLessThan(20);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
