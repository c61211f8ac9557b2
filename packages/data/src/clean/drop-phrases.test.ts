import { expect, it } from "vitest";
import { collectRows, rowsOf } from "../pipe.ts";
import { dropPhrases } from "./drop-phrases.ts";
import type { CleanReport, Drop } from "./report.ts";

const says = (content: string) => ({
  messages: [
    { role: "user", content: "How do I clean my car?" },
    { role: "assistant", content },
  ],
});
const keeps = async (row: object, options = {}) => (await collectRows(dropPhrases(options)(rowsOf([row])))).length === 1;

it.each([
  "I don't have personal experiences, but use soap.",
  "I do not have emotions.",
  "I don’t have opinions",
  "Well, I DON'T HAVE ANY PERSONAL\nBELIEFS!",
  "As a machine, I cannot have feelings.",
  "I can't experience emotions",
  "I also do not possess personal preferences.",
  "As an AI language model, here you go.",
  "As an AI, I would say soap.",
  "As a large language model I can help.",
  "I'm just an AI, but soap.",
])("drops a dialogue whose assistant says %j", async (text) => {
  expect(await keeps(says(text))).toBe(false);
});

it.each([
  "Plants do not have feelings.",
  "Many people don't have opinions on cars.",
  "I have a lot of experience with soap.",
  "I do not have soap.",
  "As an AI researcher, she uses soap.",
  "A language model predicts words.",
  "",
])("keeps a dialogue whose assistant says %j", async (text) => {
  expect(await keeps(says(text))).toBe(true);
});

it("hears the assistant only, and not rejected or rated answers", async () => {
  const phrase = "I do not have emotions.";
  expect(
    await keeps({
      messages: [
        { role: "user", content: phrase },
        { role: "assistant", content: "Ok" },
      ],
    }),
  ).toBe(true);
  expect(await keeps({ prompt: "p", chosen: "fine", rejected: phrase })).toBe(true);
  expect(await keeps({ prompt: "p", chosen: phrase, rejected: "fine" })).toBe(false);
  expect(await keeps({ prompt: "p", completions: [{ content: phrase }] })).toBe(true);
  expect(await keeps({ prompt: phrase, completion: "fine" })).toBe(true);
  expect(await keeps({ conversations: [{ from: "gpt", value: phrase }] })).toBe(false);
});

it("takes phrases of the user's own instead, on word boundaries, whatever case, apostrophes and contractions", async () => {
  const phrases = ["I can't help", "C++ (only)"];
  expect(await keeps(says("Sorry, i cannot help."), { phrases })).toBe(false);
  expect(await keeps(says("I can’t\nHELP you"), { phrases })).toBe(false);
  expect(await keeps(says("I can't helping"), { phrases })).toBe(true);
  expect(await keeps(says("c only"), { phrases })).toBe(false);
  expect(await keeps(says("I do not have emotions."), { phrases })).toBe(true);
  expect(() => dropPhrases({ phrases: ["ok", " ... "] })).toThrow('dropPhrases: phrase " ... " has no words');
});

it("reports every drop as it happens, and a count with examples at the end", async () => {
  const drops: Drop[] = [];
  let report: CleanReport | undefined;
  const rows = Array.from({ length: 10 }, (_, i) => ({
    prompt_id: `p${i}`,
    ...says(i % 3 === 0 ? "ok" : `I do not have emotions ${"x".repeat(300)}`),
  }));
  const kept = dropPhrases({ onDrop: (drop) => drops.push(drop), onReport: (it) => (report = it) })(rowsOf(rows));
  expect((await collectRows(kept)).map(({ prompt_id }) => prompt_id)).toEqual(["p0", "p3", "p6", "p9"]);
  expect(drops.map(({ row }) => row)).toEqual([2, 3, 5, 6, 8, 9]);
  expect(drops[0]).toMatchObject({ step: "dropPhrases", prompt_id: "p1", reason: "phrase", detail: "i do not have emotions" });
  expect(drops[0]!.excerpt.length).toBeLessThan(170);
  expect(report).toMatchObject({ rows: 10, kept: 4, dropped: { phrase: 6 } });
  expect(report!.examples).toHaveLength(5);
});
