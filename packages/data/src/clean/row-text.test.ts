import { expect, it } from "vitest";
import { mapTexts, promptOf, sequencesOf, textsOf } from "./row-text.ts";

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });

it.each([
  [{ text: "t" }, [["text", "t"]]],
  [
    { messages: [user("q"), assistant("a")], n: 1 },
    [
      ["user", "q"],
      ["assistant", "a"],
    ],
  ],
  [
    {
      conversations: [
        { from: "human", value: "q" },
        { from: "gpt", value: "a" },
        { from: "system", value: "s" },
      ],
    },
    [
      ["user", "q"],
      ["assistant", "a"],
      ["system", "s"],
    ],
  ],
  [
    { prompt: "p", completion: "c" },
    [
      ["user", "p"],
      ["assistant", "c"],
    ],
  ],
  [
    { prompt: [user("p")], chosen: [assistant("c")], rejected: [assistant("r")] },
    [
      ["user", "p"],
      ["assistant", "c"],
      ["assistant", "r"],
    ],
  ],
  [
    { instruction: "p", completions: [{ model: "m", response: "x" }, { content: "y" }] },
    [
      ["user", "p"],
      ["assistant", "x"],
      ["assistant", "y"],
    ],
  ],
  [
    { prompt: "p", completions: [[assistant("x")], [assistant("y")]] },
    [
      ["user", "p"],
      ["assistant", "x"],
      ["assistant", "y"],
    ],
  ],
])("finds the texts of %j", (row, expected) => {
  expect(textsOf(row, "test").map(({ role, text }) => [role, text])).toEqual(expected);
  const mapped = mapTexts(row, ({ text }) => `${text}!`, "test");
  expect(textsOf(mapped, "test").map(({ text }) => text)).toEqual(expected.map(([, text]) => `${text}!`));
  expect(mapTexts(row, ({ text }) => text, "test")).toBe(row);
});

it("a row without a text column is an error that names its columns", () => {
  expect(() => textsOf({ input_ids: [1], toString: 1 }, "truecase: row 3")).toThrow(
    /^truecase: row 3 has none of .*its columns are input_ids, toString$/,
  );
});

it.each([
  [{ prompt: "p" }, [["p"]]],
  [
    { prompt: "p", chosen: "c", rejected: "r" },
    [
      ["p", "c"],
      ["p", "r"],
    ],
  ],
  [
    { chosen: [user("p"), assistant("c")], rejected: [user("p"), assistant("r")] },
    [
      ["p", "c"],
      ["p", "r"],
    ],
  ],
  [
    {
      prompt: "p",
      messages: [user("p"), assistant("c")],
      chosen: [user("p"), assistant("c")],
      rejected: [user("p"), assistant("r")],
    },
    [
      ["p", "c"],
      ["p", "c"],
      ["p", "r"],
    ],
  ],
  [
    { prompt: [user("p")], completions: [{ content: "x" }, { content: "y" }] },
    [
      ["p", "x"],
      ["p", "y"],
    ],
  ],
])("makes the sequences of %j that a trainer makes", (row, expected) => {
  expect(sequencesOf(row, "test")).toEqual(expected);
});

it("the prompt of a row is its prompt column, or else what the user says", () => {
  expect(promptOf({ prompt: "p", chosen: "c" }, "t")).toBe("p");
  expect(promptOf({ messages: [user("a"), assistant("b"), user("c")] }, "t")).toBe("a\nc");
  expect(promptOf({ chosen: [user("q"), assistant("c")], rejected: [user("q"), assistant("r")] }, "t")).toBe("q");
  expect(promptOf({ text: "t" }, "t")).toBe("t");
});
