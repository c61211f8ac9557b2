import type { ReadCompletion, ReadRow } from "../rated-row.ts";
import { expectedKeys, JsonCursor, Unexpected } from "./json-cursor.ts";
import { RawText } from "./raw-text.ts";

/**
 * Reads a rated row of this project's spelling, or of openbmb/UltraFeedback's, out of its JSON: prompt and answers stay as they are
 * written, and what no rule looks at (rationales, critiques) is passed over. `promptId` is empty where the row has none. Undefined
 * where the text is anything else, or no JSON.
 */
export function readLine(text: string): ReadRow | undefined {
  try {
    const cursor = new JsonCursor(text);
    cursor.space();
    const row = readRow(cursor);
    cursor.end();
    return row;
  } catch (error) {
    // A RangeError: nested deeper than the stack.
    if (error instanceof Unexpected || error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

const rowKeys = expectedKeys("prompt_id", "prompt", "source", "instruction", "models", "completions");

function readRow(cursor: JsonCursor): ReadRow {
  const columns: Record<string, unknown> = {};
  let prompt: RawText | undefined;
  let instruction: RawText | undefined;
  let completions: ReadCompletion[] | undefined;
  if (!cursor.isObject()) throw new Unexpected();
  for (let more = cursor.enter(); more; more = cursor.nextMember()) {
    const key = cursor.key(rowKeys);
    if (key === "prompt") prompt = once(prompt, textHere(cursor));
    else if (key === "instruction") instruction = once(instruction, textHere(cursor));
    else if (key === "completions") completions = once(completions, readCompletions(cursor));
    // JSON.parse makes a column of the one and keeps the last of two; here both are too rare to be read.
    else if (key === "__proto__" || key in columns) throw new Unexpected();
    else columns[key] = cursor.value();
  }
  const { prompt_id: promptId, source } = columns;
  // With both, the instruction is a column of its own, in its place among the others.
  const content = prompt === undefined ? instruction : once(instruction, prompt);
  if (content === undefined || completions === undefined) throw new Unexpected();
  if (promptId !== undefined && promptId !== null && typeof promptId !== "string") throw new Unexpected();
  return {
    promptId: promptId ?? "",
    prompt: [{ role: "user", content }],
    completions,
    source: typeof source === "string" ? source : undefined,
    columns,
  };
}

function readCompletions(cursor: JsonCursor): ReadCompletion[] {
  const completions: ReadCompletion[] = [];
  if (!cursor.isList()) throw new Unexpected();
  for (let more = cursor.enter(); more; more = cursor.nextElement()) completions.push(readCompletion(cursor));
  return completions;
}

const completionKeys = expectedKeys(
  "annotations",
  "custom_system_prompt",
  "model",
  "principle",
  "response",
  "content",
  "system_prompt",
  "finish_reason",
  "usage",
  "critique",
  "overall_score",
);

function readCompletion(cursor: JsonCursor): ReadCompletion {
  let content: RawText | undefined;
  let response: RawText | undefined;
  let ratings: Map<string, unknown> | undefined;
  let model: { is: RawText | undefined } | undefined;
  let overallScore: { is: unknown } | undefined;
  if (!cursor.isObject()) throw new Unexpected();
  for (let more = cursor.enter(); more; more = cursor.nextMember()) {
    const key = cursor.key(completionKeys);
    if (key === "content") content = once(content, textHere(cursor));
    else if (key === "annotations") ratings = once(ratings, readRatings(cursor));
    else if (key === "model") model = once(model, { is: textOrNothing(cursor) });
    else if (key === "overall_score") overallScore = once(overallScore, { is: cursor.value() });
    else if (key === "response") response = once(response, textHere(cursor));
    else cursor.skip();
  }
  const answer = content ?? response;
  if (answer === undefined) throw new Unexpected();
  return { model: model?.is, content: answer, ratings: ratings ?? new Map(), overallScore: overallScore?.is };
}

const aspectNames = expectedKeys("instruction_following", "honesty", "truthfulness", "helpfulness");
const ratingKeys = expectedKeys("rating", "Rating", "rationale", "Rationale", "type", "Type");

function readRatings(cursor: JsonCursor): Map<string, unknown> {
  const ratings = new Map<string, unknown>();
  if (!cursor.isObject()) {
    cursor.skip();
    return ratings;
  }
  for (let more = cursor.enter(); more; more = cursor.nextMember()) {
    const aspect = cursor.key(aspectNames);
    if (ratings.has(aspect)) throw new Unexpected();
    ratings.set(aspect, readRating(cursor));
  }
  return ratings;
}

function readRating(cursor: JsonCursor): unknown {
  let rating: { is: unknown } | undefined;
  let published: { is: unknown } | undefined;
  if (!cursor.isObject()) {
    cursor.skip();
    return undefined;
  }
  for (let more = cursor.enter(); more; more = cursor.nextMember()) {
    const key = cursor.key(ratingKeys);
    if (key === "rating") rating = once(rating, { is: cursor.value() });
    else if (key === "Rating") published = once(published, { is: cursor.value() });
    else cursor.skip();
  }
  return (rating ?? published)?.is;
}

function textOrNothing(cursor: JsonCursor): RawText | undefined {
  if (cursor.isText()) return new RawText(cursor.rawText());
  cursor.skip();
  return undefined;
}

function textHere(cursor: JsonCursor): RawText {
  if (!cursor.isText()) throw new Unexpected();
  return new RawText(cursor.rawText());
}

/** The new value, if there was none before: of two members with one name, JSON.parse keeps the last one in the place of the first. */
function once<T>(before: T | undefined, value: T): T {
  if (before !== undefined) throw new Unexpected();
  return value;
}
