import { expect, test } from "vitest";
import { readRows } from "../files/read-rows.ts";
import { collectRows, concatRows, pipe, rowsOf, takeRows } from "../pipe.ts";
import { loadTokenizer } from "../tokenizer/load-tokenizer.ts";
import type { TokenizationReport } from "./report.ts";
import { tokenizeDialogues } from "./tokenize-dialogues.ts";
import { tokenizeParallel } from "./tokenize-parallel.ts";
import { tokenizePreferences } from "./tokenize-preferences.ts";

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;
const tokenizer = await loadTokenizer(fixture("mistral"));
const pairs = readRows(fixture("trl_dpo_run/preferences.jsonl"));
const many = concatRows(...Array.from({ length: 12 }, () => pairs));

test("two threads give the rows, the order and the report of one, in each epoch", async () => {
  const reports: TokenizationReport[] = [];
  const options = { maxLength: 60, onReport: (report: TokenizationReport) => reports.push(report) };
  const expected = await collectRows(pipe(many, tokenizePreferences(tokenizer, options)));
  const parallel = pipe(many, tokenizeParallel(tokenizer, { kind: "preferences", workers: 2, ...options }));
  expect(await collectRows(parallel)).toEqual(expected);
  expect(await collectRows(parallel)).toEqual(expected);
  expect(reports[0]!.rows).toBe(480);
  expect(Object.values(reports[0]!.dropped).length).toBeGreaterThan(0);
  expect(reports[1]).toEqual(reports[0]);
  const chats = readRows(fixture("trl_sft_run/messages.jsonl"));
  const settings = { assistantOnlyLoss: true, onReport: () => undefined };
  expect(await collectRows(pipe(chats, tokenizeParallel(tokenizer, { kind: "dialogues", workers: 3, ...settings })))).toEqual(
    await collectRows(pipe(chats, tokenizeDialogues(tokenizer, settings))),
  );
});

test("an error names the row by its number in the whole, and an early stop ends the threads", async () => {
  const rows = concatRows<object>(many, rowsOf([{ prompt: "only" }]));
  await expect(collectRows(pipe(rows, tokenizeParallel(tokenizer, { kind: "preferences", workers: 2 })))).rejects.toThrow(
    "row 480: chosen is missing",
  );
  expect(
    await collectRows(pipe(many, tokenizeParallel(tokenizer, { kind: "preferences", workers: 2 }), takeRows(3))),
  ).toHaveLength(3);
  expect(() => tokenizeParallel(tokenizer, { kind: "preferences", workers: 0 })).toThrow("workers is 0");
});

test("rows that hold ids already keep the order of their columns, whatever thread they went through", async () => {
  const given = rowsOf<object>([
    { input_ids: [1, 5, 6], prompt_id: "a", completion_mask: [0, 1, 1], length: 3 },
    { note: null, completion_mask: [0, 0, 1], input_ids: [1, 2, 3] },
  ]);
  const settings = { onReport: () => undefined };
  const alone = await collectRows(pipe(given, tokenizeDialogues(tokenizer, settings)));
  const apart = await collectRows(pipe(given, tokenizeParallel(tokenizer, { kind: "dialogues", workers: 2, ...settings })));
  expect(JSON.stringify(apart)).toBe(JSON.stringify(alone));
});

test("many short shards on three threads come in order while the reader waits in between", async () => {
  const chats = readRows(fixture("trl_sft_run/messages.jsonl"));
  const source = concatRows(...Array.from({ length: 40 }, () => chats));
  const settings = { onReport: () => undefined };
  const expected = await collectRows(pipe(source, tokenizeDialogues(tokenizer, settings)));
  const seen: object[] = [];
  for await (const row of tokenizeParallel(tokenizer, { kind: "dialogues", workers: 3, ...settings })(source)) {
    if (seen.length % 50 === 0) await new Promise((done) => setImmediate(done));
    seen.push(row);
  }
  expect(seen).toEqual(expected);
});
