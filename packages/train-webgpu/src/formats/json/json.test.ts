import { describe, expect, it } from "vitest";
import { uniforms } from "../../random/random-stream.ts";
import { pythonJson } from "./python-json.ts";
import { type JsonValue, strictJson } from "./strict-json.ts";

const plain = (value: JsonValue) => JSON.parse(JSON.stringify(value));

describe("strictJson", () => {
  it.each([
    "null",
    " [ ] ",
    '{"a":[1,-0.5e-3,2E+2,true,false,null,"\\u00e9\\n\\"\\\\\\/é😀"],"b":{"":{}}}',
    '"\\ud83d"',
    "1e400",
    '\t\r\n{"a" : 1 , "b":2}\n',
  ])("reads %j as JSON.parse does", (text) => {
    expect(plain(strictJson(text))).toEqual(plain(JSON.parse(text)));
  });

  it.each(['{"a":1,"a":1}', '[{"b":{},"b":{}}]', '{"\\u0061":1,"a":2}'])("refuses a key that stands twice: %s", (text) => {
    expect(() => strictJson(text)).toThrow(/stands twice at character/);
  });

  it.each([
    "",
    "{",
    "[1,]",
    '{"a":1,}',
    "{a:1}",
    "01",
    "+1",
    ".5",
    "1.",
    "NaN",
    "Infinity",
    "tru",
    "nullx",
    "'a'",
    '"a\nb"',
    '"\\x41"',
    "[1 2]",
    "1 2",
    "\uFEFF1",
    "\u00a01",
  ])("refuses %j", (text) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(() => strictJson(text)).toThrow(expect.objectContaining({ code: "ERR_JSON" }));
  });

  it("refuses deep nesting before the stack does, and takes strings of megabytes", () => {
    expect(() => strictJson("[".repeat(1e6))).toThrow(/deeper than 16/);
    expect(() => strictJson('{"a":'.repeat(1e6))).toThrow(/deeper than 16/);
    expect(strictJson("[".repeat(16) + "]".repeat(16))).toBeDefined();
    expect((strictJson(JSON.stringify("x".repeat(20e6))) as string).length).toBe(20e6);
    expect((strictJson(JSON.stringify("\n".repeat(2e6))) as string).length).toBe(2e6);
  });

  it("agrees with JSON.parse on damaged text, but for doubled keys", () => {
    const original = '{"a":[1,-2.5e3,true,null],"b":{"c":"\\u00e9x","d":{}},"e":"\\\\"}';
    const random = uniforms({ seed: 1, stream: "json" });
    const alphabet = '{}[]",:0123456789-+eE.\\u nrtf';
    for (let round = 0; round < 20_000; round++) {
      const at = Math.floor(random() * original.length);
      const text =
        original.slice(0, at) + alphabet[Math.floor(random() * alphabet.length)] + original.slice(at + Math.floor(random() * 2));
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        expect(() => strictJson(text), text).toThrow(expect.objectContaining({ code: "ERR_JSON" }));
        continue;
      }
      try {
        expect(JSON.stringify(strictJson(text)), text).toBe(JSON.stringify(expected));
      } catch (error) {
        expect((error as Error).message).toMatch(/twice/);
      }
    }
  });
});

describe("pythonJson", () => {
  it("sorts keys, keeps floats floats and writes small numbers as Python does", () => {
    const text = pythonJson({
      b: [],
      a: { rope_theta: 1e6, hidden_size: 48 },
      rms_norm_eps: 1e-5,
      x: 1.5e-7,
      lora_dropout: 0,
      n: null,
      l: [1, "é"],
    });
    expect(text).toBe(`{
  "a": {
    "hidden_size": 48,
    "rope_theta": 1000000.0
  },
  "b": [],
  "l": [
    1,
    "é"
  ],
  "lora_dropout": 0.0,
  "n": null,
  "rms_norm_eps": 1e-05,
  "x": 1.5e-07
}
`);
    expect(JSON.parse(text).x).toBe(1.5e-7);
  });

  it("refuses what JSON cannot hold, naming the key", () => {
    expect(() => pythonJson({ a: { factor: Number.POSITIVE_INFINITY } })).toThrow(/factor is Infinity/);
  });
});
