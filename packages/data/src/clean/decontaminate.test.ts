import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { collectRows, rowsOf } from "../pipe.ts";
import { type Random, randomFor } from "../random.ts";
import { benchmarkPrompts } from "./benchmark-prompts.ts";
import { decontaminate } from "./decontaminate.ts";
import type { CleanReport } from "./report.ts";

const vocabulary = Array.from(
  { length: 3000 },
  (_, i) => `${"bcdfghklmnprst"[i % 14]}${"aeiou"[i % 5]}${(i * 7919).toString(36)}`,
);
const sentence = (random: Random, words: number) =>
  Array.from({ length: words }, () => vocabulary[random.integer(3000)]!).join(" ");

/** What a copy may have suffered: case, spaces, punctuation, and text around it. */
const disguises: Record<string, (text: string, random: Random) => string> = {
  none: (text) => text,
  "upper case": (text) => text.toUpperCase(),
  spaces: (text) => text.replaceAll(" ", "  \n\t"),
  "no spaces": (text) => text.replaceAll(" ", ""),
  punctuation: (text) => `"${text.replaceAll(" ", ", ")}"!?`,
  "no punctuation": (text) => text.replace(/[^\p{L}\p{N}\s]/gu, ""),
  accents: (text) => text.replaceAll("e", "é").replaceAll("a", "à"),
  "full width": (text) => text.replace(/[a-z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)),
  embedded: (text, random) => `${sentence(random, 40)}. ${text} ${sentence(random, 40)}`,
  "embedded, all at once": (text, random) =>
    `${sentence(random, 400)} -- ${text.toUpperCase().replaceAll(" ", " , ")}...${sentence(random, 40)}`,
};

async function recall(prompts: string[], disguise: (text: string, random: Random) => string): Promise<string[]> {
  const rows = prompts.map((prompt, i) => ({ prompt, text: disguise(prompt, randomFor(i, "disguise")) }));
  return (
    await collectRows(
      decontaminate({ against: [{ name: "bench", prompts }] })(rowsOf(rows.map(({ text }, id) => ({ id, text })))),
    )
  ).map(({ id }) => `${prompts[id]} <- ${rows[id]!.text.slice(0, 100)}`);
}

const prompts = Array.from({ length: 600 }, (_, i) => `${sentence(randomFor(i, "prompt"), 5 + (i % 40))}'s?`);

describe("planted copies", () => {
  it.each(Object.keys(disguises))("are all found: %s", async (name) => {
    expect(await recall(prompts, disguises[name]!)).toEqual([]);
  });

  it("are told from 5,000 clean rows of the same words without one false alarm", async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => ({ id: i, text: sentence(randomFor(i, "clean"), 200) }));
    expect(await collectRows(decontaminate({ against: [{ name: "bench", prompts }] })(rowsOf(rows)))).toHaveLength(5000);
  });

  it("are found half copied: 60 letters in a row count, 59 do not", async () => {
    const prompt = Array.from({ length: 200 }, (_, i) => String.fromCharCode(97 + ((i * i + 3 * i) % 26))).join("");
    const row = (from: number, letters: number) => ({ text: `0 1 2 ${prompt.slice(from, from + letters)} 3` });
    const report: CleanReport[] = [];
    const clean = decontaminate({
      against: [{ name: "b", prompts: ["other words", prompt] }],
      onReport: (it) => report.push(it),
    });
    for (const from of [0, 1, 77, 140]) {
      expect(await collectRows(clean(rowsOf([row(from, 60)])))).toEqual([]);
      expect(report.at(-1)!.examples[0]).toMatchObject({ reason: "overlaps a prompt of b", detail: "prompt 2 of b" });
    }
    expect(await collectRows(clean(rowsOf([row(1, 59)])))).toHaveLength(1);
    const off = decontaminate({ against: [{ name: "b", prompts: [prompt] }], overlap: Number.POSITIVE_INFINITY });
    expect(await collectRows(off(rowsOf([row(1, 190), row(0, 200)])))).toHaveLength(1);
  });
});

it("short prompts must stand between word boundaries, the shortest must be the whole text", async () => {
  const against = [{ name: "b", prompts: ["Who are you?", "Hello!"] }];
  const texts = ["so, WHO ARE YOU really", "who are youngsters", "hello", "Hello there", "Othello", "¡HELLO!"];
  const kept = await collectRows(decontaminate({ against })(rowsOf(texts.map((text) => ({ text })))));
  expect(kept.map(({ text }) => text)).toEqual(["who are youngsters", "Hello there", "Othello"]);
});

it("finds prompts in Chinese inside a longer text, and looks at every turn", async () => {
  const against = [{ name: "b", prompts: ["请解释一下相对论的基本原理以及它的历史背景"] }];
  const turn = (content: string) => ({ role: "user", content });
  const rows = [
    { messages: [turn("你好"), turn("老师说请解释一下,相对论的基本原理以及它的历史背景吧")] },
    { messages: [turn("请解释一下量子力学")] },
  ];
  expect(await collectRows(decontaminate({ against })(rowsOf(rows)))).toEqual([rows[1]]);
});

it.each([
  [{ against: [] }, "against holds no prompts"],
  [{ against: [{ name: "b", prompts: ["p"] }], overlap: 15 }, "overlap is 15"],
])("%j is refused", (options, message) => {
  expect(() => decontaminate(options)).toThrow(message);
});

it.each([
  [{ question_id: 81, turns: ["a", "b"] }, ["a", "b"]],
  [{ instruction: "a", output: "x" }, ["a"]],
  [{ instruction: "a", input: "b" }, ["a", "a\nb"]],
  [{ question: "a" }, ["a"]],
  [{ prompt: "a" }, ["a"]],
  [
    {
      prompt: [
        { role: "system", content: "s" },
        { role: "user", content: "a" },
      ],
    },
    ["a"],
  ],
  [
    {
      messages: [
        { role: "user", content: "a" },
        { role: "assistant", content: "b" },
      ],
    },
    ["a"],
  ],
  ["plain", ["plain"]],
])("benchmarkPrompts reads %j", (row, expected) => {
  expect(benchmarkPrompts(row)).toEqual(expected);
});

it("benchmarkPrompts refuses a row without a prompt", () => {
  expect(() => benchmarkPrompts({ answer: "x" })).toThrow("benchmarkPrompts: a row with columns answer has no prompt");
});

const questions = join(process.env["ZEPHYR_BENCHMARK_DATA"] ?? "../shared/data", "mtbench/question.jsonl");
it.skipIf(!existsSync(questions))(`all prompts of MT-Bench are found in every disguise (needs ${questions})`, async () => {
  const rows = readFileSync(questions, "utf8").trim().split("\n");
  const real = rows.flatMap((line) => benchmarkPrompts(JSON.parse(line)));
  expect(real).toHaveLength(160);
  for (const [name, disguise] of Object.entries(disguises)) {
    expect([name, await recall(real, disguise)]).toEqual([name, []]);
  }
});
