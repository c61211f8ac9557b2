import { formatError, quote } from "../format-error.ts";

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

const QUOTED = String.raw`[^"\\\u0000-\u001f]*`;
// Plain runs are matched at once, so that a string of megabytes does not exhaust the matcher's stack.
const STRING = new RegExp(String.raw`"${QUOTED}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})${QUOTED})*"`, "y");
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const BLANK = /[ \t\n\r]*/y;
const WORDS: [string, JsonValue][] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

/**
 * Parses JSON more strictly than `JSON.parse`: a key that stands twice in one object, and nesting past `maxDepth`, are refused.
 * Objects have no prototype, so a key such as `__proto__` is an ordinary key.
 *
 * Throws `ERR_JSON` with the character offset.
 *
 * @example strictJson('{"a": 1, "a": 2}') // throws: key "a" stands twice
 */
export function strictJson(text: string, { maxDepth = 16 }: { maxDepth?: number } = {}): JsonValue {
  let at = 0;

  const fail = (what: string): never => {
    throw formatError("ERR_JSON", `strictJson: ${what} at character ${at}; the text is not usable JSON`);
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const skipBlank = () => void match(BLANK);
  const take = (character: string): boolean => {
    skipBlank();
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  const string = (): string => {
    skipBlank();
    const literal = text[at] === '"' ? match(STRING) : undefined;
    return literal === undefined ? fail("no well-formed string") : (JSON.parse(literal) as string);
  };

  const object = (depth: number): JsonObject => {
    const result: JsonObject = Object.create(null);
    if (take("}")) return result;
    do {
      const key = string();
      if (Object.hasOwn(result, key)) fail(`key ${quote(key)} stands twice`);
      if (!take(":")) fail(`no ":" after key ${quote(key)}`);
      result[key] = value(depth);
    } while (take(","));
    if (!take("}")) fail('neither "," nor "}"');
    return result;
  };
  const array = (depth: number): JsonValue[] => {
    const result: JsonValue[] = [];
    if (take("]")) return result;
    do result.push(value(depth));
    while (take(","));
    if (!take("]")) fail('neither "," nor "]"');
    return result;
  };
  const value = (depth: number): JsonValue => {
    skipBlank();
    if (depth > maxDepth) fail(`nesting deeper than ${maxDepth}`);
    if (take("{")) return object(depth + 1);
    if (take("[")) return array(depth + 1);
    if (text[at] === '"') return string();
    for (const [word, meaning] of WORDS) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return meaning;
      }
    }
    const literal = match(NUMBER);
    return literal === undefined ? fail("no value") : Number(literal);
  };

  const result = value(0);
  skipBlank();
  if (at !== text.length) fail("text after the end of the value");
  return result;
}

/** Whether a parsed value is an object (neither array nor null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
