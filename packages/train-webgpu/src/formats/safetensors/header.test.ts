import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { uniforms } from "../../random/random-stream.ts";
import type { Dtype } from "./dtype.ts";
import { buildHeader, headerBytes, parseHeader } from "./header.ts";

const stored: Record<string, { file_size: number; header: string }> = JSON.parse(
  readFileSync(new URL("../fixtures/safetensors-headers.json", import.meta.url), "utf8"),
);

function withLength(json: string | Uint8Array, length?: bigint): Uint8Array {
  const text = typeof json === "string" ? new TextEncoder().encode(json) : json;
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}
const parse = (json: string, dataBytes: number) => {
  const bytes = withLength(json);
  return parseHeader(bytes, bytes.length + dataBytes);
};
const tensor = (begin: number, end: number, shape = [(end - begin) / 4], dtype = "F32") =>
  `{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`;

describe("parseHeader and buildHeader", () => {
  it.each(Object.keys(stored))("the header of the %s checkpoint is rebuilt byte for byte", (model) => {
    const { header, file_size } = stored[model]!;
    const bytes = withLength(header);
    const { tensors, metadata } = parseHeader(bytes, file_size);
    const plans = [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape })).reverse();
    expect(metadata).toEqual({ format: "pt" });
    expect(Buffer.from(buildHeader(plans, metadata)).equals(bytes)).toBe(true);
  });

  it("the widest dtype comes first, then the name in code point order", () => {
    const plan = (name: string, dtype: Dtype) => ({ name, dtype, shape: [1] });
    const header = buildHeader(
      [plan("b", "BF16"), plan("a", "BF16"), plan("B", "F32"), plan("a_", "I64"), plan("z", "BOOL")],
      {},
    );
    const order = [...new TextDecoder().decode(header.subarray(8)).matchAll(/"(\w+)":\{/g)].map((match) => match[1]);
    expect(order).toEqual(["a_", "B", "a", "b", "z"]);
    expect(header.length % 8).toBe(0);
  });

  it("offsets are counted from the start of the file, empty tensors and odd sizes are fine", () => {
    const json = `{"e":${tensor(0, 0, [0, 9007199254740991, 9007199254740991])},"s":${tensor(0, 4, [])},"b":${tensor(4, 7, [3], "U8")}}`;
    const { tensors } = parse(json, 7);
    const start = 8 + json.length;
    expect(tensors.get("s")).toEqual({ dtype: "F32", shape: [], begin: start, end: start + 4 });
    expect(tensors.get("b")!.end).toBe(start + 7);
  });

  it("a tensor named __proto__ is only a name", () => {
    const { tensors } = parse(`{"__proto__":${tensor(0, 4)}}`, 4);
    expect([...tensors.keys()]).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>)["dtype"]).toBeUndefined();
  });

  const refused: [string, string, number, RegExp][] = [
    ["offsets past the end", `{"a":${tensor(0, 8)}}`, 4, /past the end/],
    ["overlapping tensors", `{"a":${tensor(0, 8)},"b":${tensor(4, 12)}}`, 12, /overlaps/],
    ["the same bytes twice", `{"a":${tensor(0, 8)},"b":${tensor(0, 8)}}`, 8, /overlaps/],
    ["a hole", `{"a":${tensor(0, 4)},"b":${tensor(8, 12)}}`, 12, /hole/],
    ["data before the first tensor", `{"a":${tensor(4, 8)}}`, 8, /hole/],
    ["data after the last tensor", `{"a":${tensor(0, 4)}}`, 8, /end at byte/],
    ["an end before its begin", `{"a":${tensor(8, 4, [1])}}`, 8, /before it begins/],
    ["a shape larger than its bytes", `{"a":${tensor(0, 8, [3])}}`, 8, /needs 12 bytes/],
    ["a shape whose product leaves the integers", `{"a":${tensor(0, 8, [4294967296, 4294967296])}}`, 8, /too many/],
    ["a product that wraps to zero in 64 bits", `{"a":${tensor(0, 0, [2 ** 32, 2 ** 32])}}`, 0, /too many/],
    ["half a byte", `{"a":${tensor(0, 1, [1], "F4")}}`, 1, /fraction/],
    ["a negative size", `{"a":${tensor(0, 4, [-1])}}`, 4, /no list/],
    ["a fractional size", `{"a":${tensor(0, 4, [0.5])}}`, 4, /no list/],
    ["sizes as text", `{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}`, 4, /no list/],
    ["one offset", `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`, 4, /two whole numbers/],
    ["an offset past the exact integers", `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1e300]}}`, 4, /two whole numbers/],
    ["an unknown dtype", `{"a":${tensor(0, 4, [1], "F33")}}`, 4, /F33/],
    ["a dtype of an inherited name", `{"a":${tensor(0, 4, [1], "constructor")}}`, 4, /constructor/],
    ["an unknown field", `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}`, 4, /unknown field/],
    ["a key that stands twice", `{"a":${tensor(0, 4)},"a":${tensor(0, 4)}}`, 4, /twice/],
    ["metadata that is no text", `{"__metadata__":{"format":1}}`, 0, /no string/],
    ["metadata that is a list", `{"__metadata__":["pt"]}`, 0, /no object/],
    ["deep nesting", `{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`, 0, /nesting/],
    ["a list", `[]`, 10, /begin with/],
    ["blanks before the brace", ` {}`, 10, /begin with/],
    ["text after the object", `{} {}`, 0, /after the end/],
    ["too many dimensions", `{"a":${tensor(0, 4, Array(33).fill(1))}}`, 4, /at most 32/],
    ["an unfinished object", `{"a":`, 10, /JSON/],
  ];
  it.each(refused)("%s is refused with the place", (_, json, dataBytes, message) => {
    expect(() => parse(json, dataBytes)).toThrow(message);
    expect(() => parse(json, dataBytes)).toThrow(expect.objectContaining({ code: "ERR_SAFETENSORS" }));
  });

  it("text that is no UTF-8 is refused", () => {
    const bytes = withLength(Uint8Array.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]));
    expect(() => parseHeader(bytes, bytes.length)).toThrow(/UTF-8/);
  });

  it.each([
    ["longer than the file", 1000n, /past the end/],
    ["of 2^64 - 1", 2n ** 64n - 1n, /the limit is/],
    ["just past the limit", 100_000_001n, /the limit is/],
  ])("a header length %s is refused before anything is allocated", (_, length, message) => {
    const bytes = withLength("{}        ", length);
    expect(() => parseHeader(bytes, bytes.length)).toThrow(message);
    expect(() => headerBytes(bytes, bytes.length)).toThrow(message);
  });

  it.each([0, 1, 7, 8, 9])("a file of %i bytes is refused", (size) => {
    expect(() => parseHeader(new Uint8Array(size), size)).toThrow(/needs 10/);
  });

  it("whatever bytes are changed, the header is parsed or refused with its own error, and never believed", () => {
    const { header, file_size } = stored["qwen3"]!;
    const original = withLength(header);
    const random = uniforms({ seed: 7, stream: "fuzz" });
    const alphabet = '{}[]",:0123456789-eE.\\u\u0000F';
    for (let round = 0; round < 3000; round++) {
      const bytes = original.slice();
      for (let edits = 1 + Math.floor(random() * 3); edits > 0; edits--) {
        const at = Math.floor(random() * bytes.length);
        bytes[at] = random() < 0.7 ? alphabet.charCodeAt(Math.floor(random() * alphabet.length)) : Math.floor(random() * 256);
      }
      const cut = random() < 0.1 ? bytes.slice(0, Math.floor(random() * bytes.length)) : bytes;
      try {
        const { tensors } = parseHeader(cut, file_size);
        let end = headerBytes(cut, file_size);
        for (const tensor of tensors.values()) {
          expect(tensor.begin).toBe(end);
          end = tensor.end;
        }
        expect(end).toBe(file_size);
      } catch (error) {
        expect(error).toMatchObject({ code: "ERR_SAFETENSORS" });
      }
    }
  });

  it("two tensors of one name, and shapes without a size, are not written", () => {
    const plan = { name: "a", dtype: "F32", shape: [1] } as const;
    expect(() => buildHeader([plan, plan], {})).toThrow(/taken/);
    expect(() => buildHeader([{ ...plan, name: "__metadata__" }], {})).toThrow(/taken/);
    expect(() => buildHeader([{ ...plan, shape: [-1] }], {})).toThrow(RangeError);
    expect(() => buildHeader([{ ...plan, shape: [1.5] }], {})).toThrow(RangeError);
  });
});
