import type { Message, PromptRow } from "@zephyr/data";
import { expect, test } from "vitest";
import { meanRating } from "../rater/judge-reply.ts";
import { rateAnswer } from "../rater/rate-answer.ts";
import { readPrompt } from "../rater/read-prompt.ts";
import { rightAnswer, wrongAnswer } from "./answers.ts";
import { drawTask, KIND_WEIGHTS } from "./draw-task.ts";
import { FAMILIAR_INVENTED_NAMES, INVENTED_NAMES } from "./knowledge.ts";
import { makeWorld, WORLD_SIZE } from "./make-world.ts";
import { seededRandom } from "./random.ts";
import type { Kind } from "./task.ts";
import { inStyle, STYLES, type Style } from "./teacher.ts";
import { writePrompt } from "./write-prompt.ts";

const world = makeWorld(0);
const userTurns = (messages: readonly Message[]) => messages.filter(({ role }) => role === "user").map(({ content }) => content);
const keyOf = ({ prompt }: PromptRow) => (typeof prompt === "string" ? prompt : userTurns(prompt).join("\n"));

test("one seed makes one world, another seed another", () => {
  expect(JSON.stringify(makeWorld(0))).toBe(JSON.stringify(world));
  expect(JSON.stringify(makeWorld(1))).not.toBe(JSON.stringify(world));
});

test("the parts have their sizes, and every kind of question stands in each", () => {
  expect(world.dialogues).toHaveLength(WORLD_SIZE.dialogues);
  expect(world.feedbackPrompts).toHaveLength(WORLD_SIZE.feedbackPrompts);
  expect(world.evalPrompts).toHaveLength(WORLD_SIZE.evalPrompts);
  for (const prompts of [world.feedbackPrompts, world.evalPrompts]) {
    expect(new Set(prompts.map(({ source }) => source))).toEqual(new Set(Object.keys(KIND_WEIGHTS)));
    expect(prompts.some(({ prompt }) => typeof prompt !== "string")).toBe(true);
  }
});

test("no held-out question stands in a dialogue, nor twice anywhere", () => {
  const trained = new Set(world.dialogues.flatMap(({ messages }) => [...userTurns(messages), userTurns(messages).join("\n")]));
  const feedback = world.feedbackPrompts.map(keyOf);
  const held = world.evalPrompts.map(keyOf);
  expect(new Set([...feedback, ...held]).size).toBe(feedback.length + held.length);
  expect([...feedback, ...held].filter((key) => trained.has(key))).toEqual([]);
  expect(new Set(world.dialogues.map((row) => JSON.stringify(row))).size).toBe(world.dialogues.length);
});

test("some invented names are met only after the dialogues", () => {
  const text = JSON.stringify(world.dialogues);
  const unseen = INVENTED_NAMES.slice(FAMILIAR_INVENTED_NAMES);
  expect(unseen.filter((name) => new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
  expect(world.evalPrompts.some((row) => unseen.some((name) => keyOf(row).includes(` ${name}`)))).toBe(true);
});

test("dialogues alternate, begin with the user and end with the assistant", () => {
  for (const { messages } of world.dialogues) {
    expect(messages.map(({ role }) => role).join()).toMatch(/^user,assistant(,user,assistant)?$/);
    expect(messages.every(({ content }) => content.trim() === content && content !== "")).toBe(true);
  }
});

test("the rater reads from a prompt's text the very task that wrote it", () => {
  const random = seededRandom(7);
  for (let n = 0; n < 3_000; n++) {
    const task = drawTask(random, { familiar: false });
    expect(readPrompt(writePrompt(task, random))).toEqual(task);
  }
});

test("the rater puts each style where the teacher's table means it to be, for every kind", () => {
  const random = seededRandom(3);
  for (const kind of Object.keys(KIND_WEIGHTS) as Kind[]) {
    for (let n = 0; n < 40; n++) {
      const task = { ...drawTask(random, { familiar: false, kind }), format: "free" as const };
      const prompt = writePrompt(task, random);
      const parts = rightAnswer(task, random);
      const score = (style: Style) => meanRating(rateAnswer(prompt, inStyle(parts, style, random)));
      expect([prompt, score("thorough")]).toEqual([prompt, 5]);
      expect([prompt, score("plain")]).toEqual([prompt, 4.75]);
      for (const style of Object.keys(STYLES) as Style[]) {
        if (style === "thorough" || style === "plain" || (kind === "unknown" && style === "evasive")) continue;
        expect([prompt, style, score(style) < 4.75]).toEqual([prompt, style, true]);
      }
      const wrong = wrongAnswer(task, random);
      expect([prompt, wrong.core, meanRating(rateAnswer(prompt, wrong.core)) <= 3]).toEqual([prompt, wrong.core, true]);
    }
  }
});

test("the teacher is worth imitating in part: its answers spread over the scale", () => {
  const scores = world.dialogues.map(({ messages }) => meanRating(rateAnswer(messages.slice(0, -1), messages.at(-1)!.content)));
  const share = (holds: (score: number) => boolean) => scores.filter(holds).length / scores.length;
  expect(share((score) => score === 5)).toBeGreaterThan(0.15);
  expect(share((score) => score === 5)).toBeLessThan(0.4);
  expect(share((score) => score < 2.5)).toBeGreaterThan(0.1);
  expect(share((score) => score < 2.5)).toBeLessThan(0.25);
  expect(new Set(scores).size).toBeGreaterThanOrEqual(10);
});
