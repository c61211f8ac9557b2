import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { collectRows, pipe, rowsOf } from "../pipe.ts";
import { tokenizerFromJson } from "../tokenizer/tokenizer.ts";
import type { TokenizationReport } from "./report.ts";
import { tokenizeDialogues } from "./tokenize-dialogues.ts";
import { tokenizePreferences } from "./tokenize-preferences.ts";

const json = (name: string) => JSON.parse(readFileSync(new URL(`../fixtures/mistral/${name}`, import.meta.url), "utf8"));
const tokenizer = tokenizerFromJson(json("tokenizer.json"), json("tokenizer_config.json"));
const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const long = "word ".repeat(40);

async function tokenized(rows: object[], stage: typeof tokenizePreferences | typeof tokenizeDialogues, options: object) {
  let report: TokenizationReport | undefined;
  const transform = (stage as typeof tokenizeDialogues)(tokenizer, {
    ...options,
    onReport: (given) => {
      report = given;
    },
  });
  return { rows: await collectRows(pipe(rowsOf(rows), transform)), report: report! };
}

test("dropped, cut and kept pairs are counted, with examples that name the rows", async () => {
  const pairs = [
    { prompt_id: "ok", prompt: [user("q")], chosen: [assistant("a")], rejected: [assistant("b")], source: "s" },
    { prompt_id: "cut", prompt: [user("q")], chosen: [assistant(long)], rejected: [assistant("b")] },
    { prompt_id: "gone", prompt: [user(long)], chosen: [assistant("a")], rejected: [assistant("b")] },
  ];
  const { rows, report } = await tokenized(pairs, tokenizePreferences, { maxLength: 30 });
  expect(rows.map((row) => ("prompt_id" in row ? row.prompt_id : ""))).toEqual(["ok", "cut"]);
  expect(rows[0]).toMatchObject({ source: "s" });
  expect(rows[0]).not.toHaveProperty("chosen");
  const cut = rows[1] as unknown as { prompt_ids: number[]; chosen_ids: number[] };
  expect(cut.prompt_ids.length + cut.chosen_ids.length).toBe(30);
  expect(report).toMatchObject({ rows: 3, kept: 2, dropped: { prompt_too_long: 1 }, truncated: 1, prompt_mismatch: 0 });
  expect(report.examples.map(({ row, what }) => [row, what])).toEqual([
    ['row 1 (prompt_id "cut")', "truncated"],
    ['row 2 (prompt_id "gone")', "prompt_too_long"],
  ]);
});

test("a prompt of maxLength - 1 tokens keeps one token of each answer, one of maxLength drops the pair", async () => {
  const given = (length: number) => ({ prompt_ids: new Array<number>(length).fill(3), chosen_ids: [4, 5], rejected_ids: [6] });
  const { rows, report } = await tokenized([given(7), given(8)], tokenizePreferences, { maxLength: 8 });
  expect(rows).toEqual([{ ...given(7), chosen_ids: [4] }]);
  expect(report.dropped).toEqual({ prompt_too_long: 1 });
});

test("SFT rows that truncation leaves nothing to learn are dropped and reported", async () => {
  const { rows, report } = await tokenized(
    [{ prompt: [user(long)], completion: [assistant("a")] }, { text: "short" }],
    tokenizeDialogues,
    { maxLength: 12 },
  );
  expect(rows).toHaveLength(1);
  expect(report).toMatchObject({ rows: 2, kept: 1, dropped: { masked_by_truncation: 1 } });
});

test("a row that would train on nothing is an error naming the row", async () => {
  const onRow = (row: object, options = {}) =>
    tokenized([{ text: "fine" }, { prompt_id: "x7", ...row }], tokenizeDialogues, options);
  const named = 'row 1 (prompt_id "x7"): would train on nothing';
  await expect(onRow({ messages: [{ role: "narrator", content: "a" }] })).rejects.toThrow(named);
  await expect(onRow({ messages: [user("q")] }, { assistantOnlyLoss: true })).rejects.toThrow(named);
  await expect(onRow({ input_ids: [1, 2], labels: [7, -100] })).rejects.toThrow(named);
  await expect(onRow({ input_ids: [] })).rejects.toThrow(named);
  await expect(onRow({ messages: [] })).rejects.toThrow(named);
});

test("a pair with nothing to learn is an error naming row and column", async () => {
  const onRow = (row: object) => tokenized([row], tokenizePreferences, {});
  await expect(onRow({ prompt_ids: [1], chosen_ids: [2], rejected_ids: [] })).rejects.toThrow(
    "row 0: rejected_ids has no token to learn",
  );
  await expect(onRow({ prompt_ids: [], chosen_ids: [2], rejected_ids: [3, 4] })).rejects.toThrow(
    "chosen_ids has no token to learn",
  );
  await expect(
    onRow({ prompt: [user("q")], chosen: [{ role: "narrator", content: "x" }], rejected: [assistant("b")] }),
  ).rejects.toThrow("chosen_ids has no token");
});

test("given ids and masks are checked", async () => {
  const onRow = (row: object) => tokenized([row], tokenizeDialogues, {});
  await expect(onRow({ input_ids: [1, -2] })).rejects.toThrow("row 0: input_ids[1]: -2 is no token id");
  await expect(onRow({ input_ids: "12" })).rejects.toThrow("is not a list of token ids");
  await expect(onRow({ input_ids: [1, 2], completion_mask: [1] })).rejects.toThrow("has 1 entries");
  await expect(onRow({ input_ids: [1, 2], completion_mask: [1, 2] })).rejects.toThrow("completion_mask[1]: 2 is neither");
  const { rows } = await onRow({ input_ids: [1, 2, 3], labels: [-100, 2, -100], seq: 1 });
  expect(rows).toEqual([{ input_ids: [1, 2, 3], completion_mask: [0, 1, 0], seq: 1 }]);
});

test("texts without a tokenizer say what is missing", async () => {
  await expect(collectRows(pipe(rowsOf([{ text: "a" }]), tokenizeDialogues(undefined)))).rejects.toThrow("there is no tokenizer");
  await expect(
    collectRows(pipe(rowsOf([{ prompt: "a", chosen: "b", rejected: "c" }]), tokenizePreferences(undefined))),
  ).rejects.toThrow("there is no tokenizer");
  expect(() => tokenizeDialogues(tokenizer, { maxLength: 0 })).toThrow("maxLength is 0");
});

test("losses are printed in one line where nobody listens, and nothing is printed where there are none", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  await collectRows(pipe(rowsOf([{ text: "a" }]), tokenizeDialogues(tokenizer, { maxLength: 50 })));
  expect(warn).not.toHaveBeenCalled();
  await collectRows(pipe(rowsOf([{ text: long }]), tokenizeDialogues(tokenizer, { maxLength: 5 })));
  expect(warn).toHaveBeenCalledOnce();
  expect(warn.mock.calls[0]![0]).toMatch(/1 of 1 rows kept; 1 truncated; first: row 0/);
  warn.mockRestore();
});

test("tools and template variables of a row reach the template", async () => {
  const template = "{% if tools %}{{ tools[0].name }}{% endif %}{{ mood }}{% for m in messages %}{{ m.content }}{% endfor %}</s>";
  const own = tokenizerFromJson(json("tokenizer.json"), json("tokenizer_config.json"), template);
  const rows = rowsOf([{ messages: [user("q")], tools: '[{"name": "clock"}]', chat_template_kwargs: { mood: "glad" } }]);
  const [row] = await collectRows(pipe(rows, tokenizeDialogues(own)));
  expect(own.decode(row!.input_ids)).toBe("clockgladq</s>");
});

test("a second iteration tokenizes again and reports again", async () => {
  let reports = 0;
  const rows = pipe(rowsOf([{ text: "a" }]), tokenizeDialogues(tokenizer, { onReport: () => reports++ }));
  expect(await collectRows(rows)).toEqual(await collectRows(rows));
  expect(reports).toBe(2);
});
