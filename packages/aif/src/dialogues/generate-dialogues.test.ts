import { collectRows, type Generate, rowsOf } from "@zephyr/data";
import { expect, test } from "vitest";
import { fromGenerate, generateDialogues } from "../index.ts";
import { parseOpenings } from "./dialogue-prompts.ts";
import { nearDuplicates } from "./near-duplicates.ts";

/** Invents first messages from the topic, asks on about the last answer, and counts its calls. */
function simulatedUser(calls: { n: number }): Generate {
  return async (messages) => {
    calls.n++;
    const last = messages.at(-1)!.content;
    const topic = /ask about: ([^.]*)\./.exec(last)?.[1];
    // Replies come back in any order.
    await new Promise((resolve) => setTimeout(resolve, (calls.n * 7) % 5));
    const content =
      topic === undefined
        ? `And why is that so, given ${last}?`
        : `1. What should a beginner know of ${topic}?\n2. "How did ${topic} come to be what it is now?"\n3. What should a beginner know of ${topic}?`;
    return { content, model: "user", finishReason: "stop" };
  };
}

const assistant = fromGenerate("assistant", async (messages) => ({
  content: `answer ${messages.length} to ${messages.at(-1)!.content.slice(0, 30)}`,
  model: "assistant",
  finishReason: "stop",
}));
const topics = ["bees", "rivers", "glass"].map((topic) => ({ topic }));

test("topics become dialogues of alternating turns, the user's first, without repeated openings", async () => {
  const calls = { n: 0 };
  const user = fromGenerate("user", simulatedUser(calls));
  const rows = await collectRows(generateDialogues({ user, assistant, seed: 1, rounds: [2, 3] })(rowsOf(topics)));
  expect(rows.map(({ prompt }) => prompt)).toEqual(
    topics.flatMap(({ topic }) => [`What should a beginner know of ${topic}?`, `How did ${topic} come to be what it is now?`]),
  );
  for (const { messages, prompt } of rows) {
    expect(messages[0]!.content).toBe(prompt);
    expect(messages.map(({ role }) => role).join()).toMatch(/^(user,assistant,){1,2}user,assistant$/);
  }
  expect(new Set(rows.map(({ messages }) => messages.length))).toEqual(new Set([4, 6]));
});

test("the dialogues do not depend on concurrency, and a second pass asks nothing", async () => {
  const calls = { n: 0 };
  const runs = [1, 32].map((maxConcurrency) =>
    generateDialogues({ user: fromGenerate("user", simulatedUser(calls), { maxConcurrency }), assistant, seed: 5 })(
      rowsOf(topics),
    ),
  );
  const [slow, fast] = [await collectRows(runs[0]!), await collectRows(runs[1]!)];
  expect(fast).toEqual(slow);
  const before = calls.n;
  expect(await collectRows(runs[1]!)).toEqual(fast);
  expect(calls.n).toBe(before);
});

test("numbered lines are read with dots, parentheses and quotes; other lines are left out", () => {
  expect(parseOpenings('Sure!\n1. First question?\n 2) "Second question?"\n3. x\n- not numbered')).toEqual([
    "First question?",
    "Second question?",
  ]);
});

test("near duplicates differ in case, punctuation or an added word; another subject is no duplicate", () => {
  const isKnown = nearDuplicates();
  expect(isKnown("How do bees find their way back to the hive?")).toBe(false);
  expect(isKnown("how do bees find their way back to the hive")).toBe(true);
  expect(isKnown("How do bees find their way back to the hive today?")).toBe(true);
  expect(isKnown("How do wasps build a nest?")).toBe(false);
  expect(isKnown("")).toBe(false);
});
