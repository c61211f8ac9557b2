import { formatError, quote } from "../format-error.ts";

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

const QUOTED = String.raw`[^"\\\u0000-\u001f]*`;
// Plain runs are matched at once, so that a string of megabytes does not exhaust the matcher's stack.
const STRING = new RegExp(String.raw`"${QUOTED}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})${QUOTED})*"`, "y");
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const BLANK = /[ \t\n\r]*/y;
const WORD = /true|false|null/y;

/** How far a text has been read. */
interface Cursor {
  readonly text: string;
  readonly maxDepth: number;
  at: number;
}

/**
 * Parses JSON more strictly than `JSON.parse`: a key that stands twice in one object, and nesting past `maxDepth`, are refused.
 * Objects have no prototype, so a key such as `__proto__` is an ordinary key.
 *
 * Throws `ERR_JSON` with the character offset.
 *
 * @example strictJson('{"a": 1, "a": 2}') // throws: key "a" stands twice
 */
export function strictJson(text: string, { maxDepth = 16 }: { maxDepth?: number } = {}): JsonValue {
  const cursor: Cursor = { text, maxDepth, at: 0 };
  const result = value(cursor, 0);
  match(cursor, BLANK);
  if (cursor.at !== text.length) throw fault(cursor, "text after the end of the value");
  return result;
}

/** Whether a parsed value is an object (neither array nor null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fault(cursor: Cursor, what: string) {
  return formatError("ERR_JSON", `strictJson: ${what} at character ${cursor.at}; the text is not usable JSON`);
}

function match(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0];
  if (found !== undefined) cursor.at += found.length;
  return found;
}

/** Steps over a character, blanks before it included, if it comes next. */
function take(cursor: Cursor, character: string): boolean {
  match(cursor, BLANK);
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at++;
  return true;
}

function value(cursor: Cursor, depth: number): JsonValue {
  if (depth > cursor.maxDepth) throw fault(cursor, `nesting deeper than ${cursor.maxDepth}`);
  if (take(cursor, "{")) return object(cursor, depth + 1);
  if (take(cursor, "[")) return array(cursor, depth + 1);
  if (cursor.text[cursor.at] === '"') return string(cursor);
  const literal = match(cursor, WORD) ?? match(cursor, NUMBER);
  if (literal === undefined) throw fault(cursor, "no value");
  return JSON.parse(literal);
}

function string(cursor: Cursor): string {
  match(cursor, BLANK);
  const literal = match(cursor, STRING);
  if (literal === undefined) throw fault(cursor, "no well-formed string");
  return JSON.parse(literal);
}

function object(cursor: Cursor, depth: number): JsonObject {
  const result: JsonObject = Object.create(null);
  if (take(cursor, "}")) return result;
  do {
    const key = string(cursor);
    if (Object.hasOwn(result, key)) throw fault(cursor, `key ${quote(key)} stands twice`);
    if (!take(cursor, ":")) throw fault(cursor, `no ":" after key ${quote(key)}`);
    result[key] = value(cursor, depth);
  } while (take(cursor, ","));
  if (!take(cursor, "}")) throw fault(cursor, 'neither "," nor "}"');
  return result;
}

function array(cursor: Cursor, depth: number): JsonValue[] {
  const result: JsonValue[] = [];
  if (take(cursor, "]")) return result;
  do result.push(value(cursor, depth));
  while (take(cursor, ","));
  if (!take(cursor, "]")) throw fault(cursor, 'neither "," nor "]"');
  return result;
}
