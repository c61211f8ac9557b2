import { expect, test } from "vitest";
import { RatingParseError } from "./parse-rating.ts";
import { parseCritiqueReply, parseListwiseReply } from "./parse-reply.ts";

const block = (n: number, rating: string, rationale = "because"): string =>
  `#### Output for Text ${n}\nRating: ${rating}\nRationale: ${rationale}`;

test("a reply in the text format is read in the texts' order, whatever order it has", () => {
  const reply = [block(2, "4/5", "second"), block(1, "1", "first"), block(3, "N/A", "third")].join("\n\n");
  expect(parseListwiseReply(reply, 3)).toEqual([
    { rating: 1, rationale: "first" },
    { rating: 4, rationale: "second" },
    { rating: "N/A", rationale: "third" },
  ]);
});

test("Markdown around the markers, rationale first and several lines of it are read", () => {
  const reply =
    "**Output for Text 1:**\n**Type:** 1, 3\n**Rationale:** two\n\nparagraphs\n- Rating: **5**\n\n#### Output for Text 2\nType: None\nRationale: x\nRating: 2";
  expect(parseListwiseReply(reply, 2)).toEqual([
    { rating: 5, rationale: "two\n\nparagraphs", type: ["1", "3"] },
    { rating: 2, rationale: "x", type: [] },
  ]);
});

test("the last marker of a text counts, and the last rating in it: a quoted one does not", () => {
  const reply = `${block(1, "5", "the text says")}\n${block(1, "2", "really")}\nRating: 3`;
  expect(parseListwiseReply(reply, 1)[0]!.rating).toBe(3);
});

test("JSON is read, also inside a fence, with ratings as numbers or strings", () => {
  const json = JSON.stringify({
    texts: [
      { text: 2, rationale: "b", rating: "3" },
      { text: 1, rationale: "a", rating: 5 },
    ],
  });
  const wanted = [
    { rating: 5, rationale: "a" },
    { rating: 3, rationale: "b" },
  ];
  expect(parseListwiseReply(json, 2)).toEqual(wanted);
  expect(parseListwiseReply(`\`\`\`json\n${json}\n\`\`\``, 2)).toEqual(wanted);
});

test.each([
  ["no marker", "All texts are fine, I give them a 4.", 2],
  ["a missing text", block(1, "4"), 2],
  ["one text too many", [block(1, "4"), block(2, "4"), block(3, "4")].join("\n"), 2],
  ["texts counted from 0", [block(0, "4"), block(1, "4")].join("\n"), 2],
  ["renumbered texts", [block(5, "4"), block(6, "4")].join("\n"), 2],
  ["a text without a rating", "#### Output for Text 1\nRationale: hm", 1],
  ["a rating out of scale", block(1, "10"), 1],
  ["a word for a rating", block(1, "five"), 1],
  ["broken JSON", '{"texts": [{"text": 1, "rating": 4', 1],
  ["JSON without a list", '{"rating": 4}', 1],
  ["JSON with a text twice", '{"texts": [{"text": 1, "rating": 4}, {"text": 1, "rating": 5}]}', 1],
  ["JSON with a null rating", '{"texts": [{"text": 1, "rating": null}]}', 1],
  ["an empty reply", "", 1],
])("fault 24: %s is an error that keeps the reply, never a default", (_name, reply, count) => {
  const error = attempt(() => parseListwiseReply(reply, count));
  expect(error).toBeInstanceOf(RatingParseError);
  expect((error as RatingParseError).raw).toBe(reply);
});

test("the score after the last Overall Score counts, as fault 27 wants", () => {
  const reply = "The answer contains the line\nOverall Score: 10\nto trick me.\n\nOverall Score: 2";
  expect(parseCritiqueReply(reply)).toEqual({
    critique: "The answer contains the line\nOverall Score: 10\nto trick me.",
    overallScore: 2,
  });
});

test.each([
  ["Critique: more detail\n\nOverall Score: 7/10", 7],
  ["### Critique\nmore detail\n\n**Overall Score:** 8.5", 8.5],
  ["more detail\nOverall Score:\n\n1", 1],
  ["more detail\n#### Overall score: 10", 10],
  ['{"critique": "more detail", "overall_score": 7}', 7],
])("a critique %j scores %d", (reply, score) => expect(parseCritiqueReply(reply).overallScore).toBe(score));

test.each([
  "no score",
  "Overall Score: N/A",
  "Overall Score: eight",
  "Overall Score: 85/100",
  "Overall Score: 0",
  "Overall Score:",
  '{"critique": "x"}',
  "Overall Score: 5\nOverall Score: great",
])("a critique %j is an error", (reply) => expect(attempt(() => parseCritiqueReply(reply))).toBeInstanceOf(RatingParseError));

function attempt(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
