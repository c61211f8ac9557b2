import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeRows } from "../files/write-rows.ts";
import { collectRows, pipe, rowsOf } from "../pipe.ts";
import type { Message } from "../rows.ts";
import { toTrainingText } from "./dialogue-formats.ts";
import { extractPrompt, toExplicitPreference, toH4Rows, toPreferenceRows, unpairPreferences } from "./preference-formats.ts";
import { promptId, toPromptRows } from "./prompt-id.ts";
import { toRatedRows } from "./ultrafeedback.ts";

const user = (content: string): Message => ({ role: "user", content });
const assistant = (content: string): Message => ({ role: "assistant", content });
const explicit = { prompt: [user("q")], chosen: [assistant("good")], rejected: [assistant("bad")] };

test("every published form of a pair becomes the same explicit one", () => {
  const whole = { chosen: [user("q"), assistant("good")], rejected: [user("q"), assistant("bad")] };
  const fromValue = (turns: Message[]) =>
    turns.map(({ role, content }) => ({ from: role === "user" ? "human" : "gpt", value: content }));
  const forms: object[] = [
    explicit,
    whole,
    { prompt: "q", prompt_id: "x", messages: whole.chosen, ...whole },
    { prompt: fromValue(explicit.prompt), chosen: fromValue(explicit.chosen), rejected: fromValue(explicit.rejected) },
    { prompt: null, ...whole },
    { prompt: explicit.prompt, chosen: "good", rejected: "bad" },
  ];
  for (const form of forms) expect(toExplicitPreference(form, "test")).toEqual(explicit);
  expect(toExplicitPreference({ prompt: "q ", chosen: "a", rejected: "b" }, "test")).toEqual({
    prompt: "q ",
    chosen: "a",
    rejected: "b",
  });
});

test("prompt extraction cuts between whole characters, gives the space to the answers, and leaves each answer something", () => {
  expect(extractPrompt("Say 😀", "Say 😁")).toEqual({ prompt: "Say", chosen: " 😀", rejected: " 😁" });
  expect(extractPrompt("x", "y")).toEqual({ prompt: "", chosen: "x", rejected: "y" });
  expect(extractPrompt("ab", "abc")).toEqual({ prompt: "a", chosen: "b", rejected: "bc" });
  const longer = [user("q"), assistant("a"), user("more"), assistant("b")];
  expect(extractPrompt(longer.slice(0, 2), longer)).toEqual({
    prompt: [user("q")],
    chosen: [assistant("a")],
    rejected: longer.slice(1),
  });
});

test("wrong columns are named with their row", async () => {
  const read = (row: object) => collectRows(pipe(rowsOf([explicit, { prompt_id: "a3f", ...row }]), toPreferenceRows()));
  await expect(read({ prompt: "q", chosen: "x" })).rejects.toThrow('row 1 (prompt_id "a3f"): rejected is missing');
  await expect(read({ prompt: "q", chosen: [user("q")], rejected: "x" })).rejects.toThrow("rejected is neither");
  await expect(read({ chosen: [{ role: 1, content: "" }], rejected: [user("x")] })).rejects.toThrow("chosen[0]: the role is 1");
  await expect(read({ chosen: [{ role: "user", content: null }], rejected: [user("x")] })).rejects.toThrow(
    "chosen[0]: the content is",
  );
});

test("the H4 form and the TRL form turn into each other, other columns untouched", async () => {
  const rows = rowsOf([{ ...explicit, prompt_id: "p", score_chosen: 8, score_rejected: 3, source: "flan" }]);
  const [h4] = await collectRows(pipe(rows, toH4Rows()));
  const dialogue = [user("q"), assistant("good")];
  expect(h4).toEqual({
    prompt: "q",
    prompt_id: "p",
    chosen: dialogue,
    rejected: [user("q"), assistant("bad")],
    messages: dialogue,
    score_chosen: 8,
    score_rejected: 3,
    source: "flan",
  });
  expect(await collectRows(pipe(rowsOf([h4!]), toPreferenceRows()))).toEqual([
    { ...(await collectRows(rows))[0], messages: dialogue },
  ]);
});

test("argilla's rating columns become scores", async () => {
  const row = {
    prompt: "q",
    chosen: [user("q"), assistant("good")],
    "chosen-rating": 4.5,
    "chosen-model": "m",
    rejected: [user("q"), assistant("bad")],
    "rejected-rating": 2,
  };
  expect(await collectRows(pipe(rowsOf([row]), toPreferenceRows()))).toEqual([
    expect.objectContaining({ ...explicit, score_chosen: 4.5, score_rejected: 2, "chosen-model": "m" }),
  ]);
});

test("unpaired rows carry further columns, windows keep memory bounded", async () => {
  const rows = rowsOf(Array.from({ length: 1500 }, (_, n) => ({ ...explicit, n })));
  const unpaired = await collectRows(pipe(rows, unpairPreferences()));
  expect(unpaired).toHaveLength(3000);
  expect(unpaired[999]).toEqual({ n: 999, prompt: explicit.prompt, completion: explicit.chosen, label: true });
  expect(unpaired[1000]).toEqual({ n: 0, prompt: explicit.prompt, completion: explicit.rejected, label: false });
  expect(unpaired[2999]).toMatchObject({ n: 1499, label: false });
});

test("SFT rows of every form are recognized, also with columns that mean nothing here", () => {
  const dialogue = { messages: [user("q"), assistant("a")] };
  expect(toTrainingText({ prompt: "q", prompt_id: "x", ...dialogue }, "t")).toEqual(dialogue);
  expect(
    toTrainingText(
      {
        conversations: [
          { from: "human", value: "q" },
          { from: "gpt", value: "a" },
        ],
      },
      "t",
    ),
  ).toEqual(dialogue);
  expect(toTrainingText({ prompt: "q", completion: [assistant("a")] }, "t")).toEqual({
    prompt: [user("q")],
    completion: [assistant("a")],
  });
  expect(toTrainingText({ prompt: [user("q")], completion: "a" }, "t")).toEqual({
    prompt: [user("q")],
    completion: [assistant("a")],
  });
  expect(() => toTrainingText({ prompt: "q" }, "row 3")).toThrow("row 3: holds none of text");
});

test("prompt ids are SHA-256 of the text, or of the JSON of the messages, and clashes name both rows", async () => {
  const hex = (text: string) => createHash("sha256").update(text).digest("hex");
  expect(promptId("Où?")).toBe(hex("Où?"));
  expect(promptId([user("q")])).toBe(hex('[{"role":"user","content":"q"}]'));
  const rows = await collectRows(
    pipe(
      rowsOf<object>([
        { instruction: "a", source: "s" },
        { prompt: "b", prompt_id: "own" },
        { prompt: "b", prompt_id: "own" },
      ]),
      toPromptRows(),
    ),
  );
  expect(rows).toEqual([
    { prompt: "a", source: "s", prompt_id: hex("a") },
    { prompt: "b", prompt_id: "own" },
    { prompt: "b", prompt_id: "own" },
  ]);
  const clash = rowsOf([
    { prompt: "a", prompt_id: "x" },
    { prompt: "b", prompt_id: "x" },
  ]);
  await expect(collectRows(pipe(clash, toPromptRows()))).rejects.toThrow('row 1 (prompt_id "x"): has the prompt_id of row 0');
});

const ultraFeedback = {
  source: "evol_instruct",
  instruction: "Write a haiku.",
  models: ["a", "b"],
  completions: [
    {
      model: "a",
      principle: "helpfulness",
      custom_system_prompt: "Be kind.",
      response: "First.",
      critique: "Fine.",
      overall_score: 8.5,
      "fine-grained_score": 4.25,
      annotations: {
        honesty: { Rating: "N/A", Rationale: "creative" },
        instruction_following: { Rating: "4", Rationale: "near" },
        truthfulness: { Type: ["1", "2"], Rationale: "r", Rating: "3", "Rationale For Rating": "w" },
        helpfulness: { Type: "None", Rationale: "r", Rating: "4/5", "Rationale For Rating": "w" },
      },
    },
    { model: "b", response: "", overall_score: "7", annotations: { honesty: [] } },
  ],
  correct_answers: ["None"],
  incorrect_answers: ["None"],
};

test("openbmb/UltraFeedback rows load as rated rows; a failed aspect is left out, odd ratings stay for binarize to judge", async () => {
  const [row] = await collectRows(pipe(rowsOf([ultraFeedback]), toRatedRows()));
  expect(row).toEqual({
    source: "evol_instruct",
    prompt_id: promptId("Write a haiku."),
    prompt: "Write a haiku.",
    correct_answers: ["None"],
    incorrect_answers: ["None"],
    completions: [
      {
        model: "a",
        principle: "helpfulness",
        system_prompt: "Be kind.",
        content: "First.",
        critique: "Fine.",
        overall_score: 8.5,
        fine_grained_score: 4.25,
        annotations: {
          honesty: { rating: "N/A", rationale: "creative" },
          instruction_following: { rating: 4, rationale: "near" },
          truthfulness: { rating: 3, rationale: "r", type: ["1", "2"], rationale_for_rating: "w" },
          helpfulness: { rating: "4/5", rationale: "r", type: [], rationale_for_rating: "w" },
        },
      },
      { model: "b", content: "", overall_score: 7, annotations: {} },
    ],
  });
  expect(await collectRows(pipe(rowsOf([row!]), toRatedRows()))).toEqual([row]);
  await expect(collectRows(pipe(rowsOf([{ prompt: "q", completions: [{ model: "x" }] }]), toRatedRows()))).rejects.toThrow(
    "row 0: completions[0]: has neither",
  );
});

test("raw openbmb rows go to Parquet and back with Type as a list", async () => {
  const folder = mkdtempSync(join(tmpdir(), "zephyr-formats-"));
  const [back] = await collectRows(await writeRows(join(folder, "uf.parquet"), rowsOf([ultraFeedback])));
  expect(back!.completions[0]!.annotations).toMatchObject({ truthfulness: { Type: ["1", "2"] }, helpfulness: { Type: [] } });
  rmSync(folder, { recursive: true });
});
