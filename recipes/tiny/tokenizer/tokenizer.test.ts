import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Template } from "@huggingface/jinja";
import { Tokenizer } from "@huggingface/tokenizers";
import { expect, test } from "vitest";
import { makeWorld } from "../world/make-world.ts";
import { SPECIAL_TOKENS, tokenizerFiles, VOCAB_SIZE } from "./tokenizer-files.ts";
import { byteSymbols, trainBpe } from "./train-bpe.ts";

const read = (name: string) => readFileSync(join(import.meta.dirname, name), "utf8");
const config = JSON.parse(read("tokenizer_config.json")) as { chat_template: string; eos_token: string };
const tokenizer = new Tokenizer(JSON.parse(read("tokenizer.json")), config);
const encode = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids;
const decode = (ids: number[]) => tokenizer.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
const { dialogues } = makeWorld(0);
const render = (messages: unknown, add_generation_prompt = false) =>
  new Template(config.chat_template).render({ messages, add_generation_prompt, eos_token: config.eos_token });

test("the committed files are what the script writes", () => {
  const texts = dialogues.flatMap(({ messages }) => messages.map(({ content }) => content));
  for (const [name, content] of Object.entries(tokenizerFiles(texts))) {
    expect(JSON.parse(content)).toEqual(JSON.parse(read(name)));
  }
});

test("any text comes back from its ids, also what was never seen", () => {
  const awkward = [
    " ",
    "\n\n a  b ",
    "Übergröße 你好 🦜 \u0000\u007f",
    "A FROG IS GREEN.",
    "- cat\n- dog",
    "1234567890",
    "don't",
    "x".repeat(300),
  ];
  for (const text of [...awkward, ...dialogues.slice(0, 200).map(({ messages }) => render(messages))]) {
    expect(decode(encode(text))).toBe(text);
  }
});

test("specials hold the first ids, and ids stay below the vocabulary's size", () => {
  expect(encode(SPECIAL_TOKENS.join(""))).toEqual([0, 1, 2, 3, 4, 5]);
  const ids = dialogues.flatMap(({ messages }) => encode(render(messages)));
  expect(Math.max(...ids)).toBeLessThan(VOCAB_SIZE);
  expect(tokenizer.encode("cat").ids[0]).toBe(1);
});

test("the template is Zephyr's: marker, line feed, content, end token, line feed", () => {
  const messages = [
    { role: "system", content: "Be kind." },
    { role: "user", content: "Hi" },
  ];
  expect(render(messages, true)).toBe("<|system|>\nBe kind.</s>\n<|user|>\nHi</s>\n<|assistant|>\n");
  expect(render([...messages, { role: "assistant", content: "Yes." }])).toBe(
    "<|system|>\nBe kind.</s>\n<|user|>\nHi</s>\n<|assistant|>\nYes.</s>\n",
  );
});

test("the words of the world are one token each, so that a tiny model can look them up", () => {
  const words = dialogues.flatMap(({ messages }) => messages.flatMap(({ content }) => content.match(/(?<= )[a-z]+/g) ?? []));
  const whole = words.filter((word) => encode(` ${word}`).length === 1).length;
  expect(whole / words.length).toBeGreaterThan(0.97);
});

test("a merge is the most frequent pair, of equals the first in code unit order, and never crosses words", () => {
  const train = (text: string) => trainBpe([text], { vocabSize: 300, specialTokens: ["<s>"] });
  expect(train("ab ab ab cd cd").merges).toEqual([
    ["a", "b"],
    ["c", "d"],
    ["Ġ", "ab"],
    ["Ġ", "cd"],
  ]);
  expect(train("xy-ab-ab-xy").merges.slice(0, 2)).toEqual([
    ["a", "b"],
    ["x", "y"],
  ]);
  expect(train("aaaa").merges).toEqual([["a", "a"]]);
  expect(train("ab").merges).toEqual([]);
  expect(Object.keys(train("cat cat dog dog").vocab).some((symbol) => /.Ġ/u.test(symbol))).toBe(false);
});

test("bytes have 256 different visible symbols", () => {
  expect(new Set(byteSymbols()).size).toBe(256);
  expect(byteSymbols()[0x20]).toBe("Ġ");
  expect(byteSymbols()[0x0a]).toBe("Ċ");
});

test("a vocabulary without room for the bytes is refused", () => {
  expect(() => trainBpe([], { vocabSize: 256, specialTokens: ["<s>"] })).toThrow(/vocabSize is 256.*need 257/);
});
