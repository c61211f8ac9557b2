import type { JsonObject, JsonValue } from "../formats/json/strict-json.ts";

/** One uniform number in [0, 1) after another. */
export type Draw = () => number;
const below = (draw: Draw, n: number): number => Math.floor(draw() * n);
const one = <T>(draw: Draw, list: readonly T[]): T => list[below(draw, list.length)]!;

const ALPHABET = '{}[]",:0123456789-eE.\\u\u0000\u00ff\ufeffF\n';
const HOSTILE: JsonValue[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  0.5,
  1e308,
  -1e-320,
  2 ** 24,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 63,
  "",
  "\u0000",
  "../../x",
  "__proto__",
  "constructor",
  "F33",
  "model.safetensors",
  "a".repeat(100_000),
  [],
  [[]],
  [null],
  [2 ** 32, 2 ** 32],
  Array(5000).fill(1),
  {},
  { a: { a: {} } },
];

/** One to three edits of bytes: changed, set to what parsers turn on, cut, doubled, put in. */
export function mutateBytes(seed: Uint8Array, draw: Draw): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(seed);
  for (let edits = 1 + below(draw, 3); edits > 0 && bytes.length > 0; edits--) {
    const at = below(draw, bytes.length);
    const kind = below(draw, 7);
    if (kind < 2) bytes[at] = below(draw, 256);
    else if (kind < 4) bytes[at] = ALPHABET.charCodeAt(below(draw, ALPHABET.length)) & 0xff;
    else if (kind === 4) bytes = bytes.slice(0, at);
    else if (kind === 5)
      bytes = Uint8Array.from(Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(draw, bytes.length))]));
    else bytes.fill(0xff, at, at + 1 + below(draw, 8));
  }
  return bytes;
}

/** One to three edits of a value inside JSON: another value, a key more or less, an entry twice. The seed stays as it is. */
export function mutateJson(seed: JsonValue, draw: Draw): JsonValue {
  const copy = structuredClone(seed);
  const root: { value: JsonValue } = { value: copy };
  for (let edits = 1 + below(draw, 3); edits > 0; edits--) editInside(root, "value", draw);
  return root.value;
}

function editInside(parent: JsonObject | JsonValue[], key: string | number, draw: Draw, depth = 0): void {
  const holder = parent as Record<string | number, JsonValue>;
  const value = holder[key];
  const keys = Array.isArray(value) ? [...value.keys()] : value && typeof value === "object" ? Object.keys(value) : [];
  if (keys.length > 0 && draw() < 0.75) {
    editInside(value as JsonObject | JsonValue[], one<string | number>(draw, keys), draw, depth + 1);
    return;
  }
  const kind = below(draw, 4);
  if (kind === 0 && depth > 0 && typeof key === "string" && !Array.isArray(parent)) delete holder[key];
  else if (kind === 1 && Array.isArray(parent)) parent.push(structuredClone(value!));
  else if (kind === 1 && typeof value === "number")
    holder[key] = value * one(draw, [-1, 2, 3, 0.5, 2 ** 20, 2 ** 40]) + below(draw, 2);
  else holder[key] = structuredClone(one(draw, HOSTILE));
}
