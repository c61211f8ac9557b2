import type { ReadCompletion, ReadRow } from "../rated-row.ts";
import { expectedKeys, JsonCursor, Unexpected } from "./json-cursor.ts";
import { RawText } from "./raw-text.ts";

/**
 * Reads a rated row of this project's spelling out of its JSON: prompt and answers stay as they are written, and what no rule looks
 * at (rationales, critiques) is passed over. Undefined where the text is anything else, or no JSON.
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

const rowKeys = expectedKeys("prompt_id", "prompt", "source", "completions");

function readRow(cursor: JsonCursor): ReadRow {
  const columns: Record<string, unknown> = {};
  let prompt: RawText | undefined;
  let completions: ReadCompletion[] | undefined;
  if (!cursor.isObject()) throw new Unexpected();
  for (let more = cursor.enter(); more; more = cursor.nextMember()) {
    const key = cursor.key(rowKeys);
    if (key === "prompt") prompt = once(prompt, textHere(cursor));
    else if (key === "completions") completions = once(completions, readCompletions(cursor));
    // JSON.parse makes a column of the one and keeps the last of two; here both are too rare to be read.
    else if (key === "__proto__" || key in columns) throw new Unexpected();
    else columns[key] = cursor.value();
  }
  const { prompt_id: promptId, source } = columns;
  if (prompt === undefined || completions === undefined || typeof promptId !== "string" || promptId === "")
    throw new Unexpected();
  return {
    promptId,
    prompt: [{ role: "user", content: prompt }],
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
  "model",
  "content",
  "principle",
  "system_prompt",
  "finish_reason",
  "usage",
  "annotations",
  "overall_score",
  "critique",
);

function readCompletion(cursor: JsonCursor): ReadCompletion {
  let content: RawText | undefined;
  let ratings: Map<string, unknown> | undefined;
  const values: { model?: { is: unknown }; overall_score?: { is: unknown } } = {};
  if (!cursor.isObject()) throw new Unexpected();
  for (let more = cursor.enter(); more; more = cursor.nextMember()) {
    const key = cursor.key(completionKeys);
    if (key === "content") content = once(content, textHere(cursor));
    else if (key === "annotations") ratings = once(ratings, readRatings(cursor));
    else if (key === "model" || key === "overall_score") values[key] = once(values[key], { is: cursor.value() });
    else if (key === "response") throw new Unexpected();
    else cursor.skip();
  }
  if (content === undefined) throw new Unexpected();
  const model = values.model?.is;
  return {
    model: typeof model === "string" ? model : undefined,
    content,
    ratings: ratings ?? new Map(),
    overallScore: values.overall_score?.is,
  };
}

const aspectNames = expectedKeys("instruction_following", "honesty", "truthfulness", "helpfulness");
const ratingKeys = expectedKeys("rating", "rationale", "type");

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
  if (!cursor.isObject()) {
    cursor.skip();
    return undefined;
  }
  for (let more = cursor.enter(); more; more = cursor.nextMember()) {
    const key = cursor.key(ratingKeys);
    if (key === "rating") rating = once(rating, { is: cursor.value() });
    else if (key === "Rating") throw new Unexpected();
    else cursor.skip();
  }
  return rating?.is;
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
