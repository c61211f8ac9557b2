import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { randomFor } from "../random.ts";
import type { Message } from "../rows.ts";
import { compileChatTemplate } from "./chat-template.ts";
import { loadTokenizer, saveTokenizer } from "./load-tokenizer.ts";
import { streamDecoder } from "./stream-decoder.ts";
import { maskOfSpans } from "./token-spans.ts";
import { tokenizerFromJson } from "./tokenizer.ts";
import { ZEPHYR_CHAT_TEMPLATE } from "./zephyr-template.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const json = (name: string) => JSON.parse(readFileSync(new URL(name, fixtures), "utf8"));
const tokenizer = await loadTokenizer(new URL("mistral", fixtures).pathname);

interface TextVectors {
  special: { bos: number; eos: number; pad: number };
  strings: { text: string; ids: number[]; ids_no_special: number[]; decoded: string; decoded_skip_special: string }[];
  chats: { messages: Message[]; add_generation_prompt: boolean; text: string; ids: number[] }[];
}
const vectors: TextVectors = json("text.json");

test("ids and decoded text equal transformers for every string", () => {
  expect(vectors.strings.length).toBeGreaterThan(10);
  for (const { text, ids, ids_no_special, decoded, decoded_skip_special } of vectors.strings) {
    expect(tokenizer.encode(text)).toEqual(ids);
    expect(tokenizer.encode(text, { addSpecialTokens: false })).toEqual(ids_no_special);
    expect(tokenizer.decode(ids_no_special)).toBe(decoded);
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(decoded_skip_special);
  }
});

test("chats render and encode as transformers does, with either spelling of the Zephyr template", () => {
  const ours = compileChatTemplate(ZEPHYR_CHAT_TEMPLATE, { eos_token: "</s>" });
  for (const { messages, add_generation_prompt: addGenerationPrompt, text, ids } of vectors.chats) {
    expect(tokenizer.applyChatTemplate(messages, { addGenerationPrompt })).toBe(text);
    expect(ours.render(messages, { addGenerationPrompt })).toBe(text);
    expect(tokenizer.encode(text, { addSpecialTokens: false })).toEqual(ids);
    expect(tokenizer.encodeChat(messages, { addGenerationPrompt }).ids).toEqual(ids);
  }
});

test("special ids, vocabulary size and fingerprint", () => {
  const { bos, eos, pad } = vectors.special;
  expect([tokenizer.bosTokenId, tokenizer.eosTokenId, tokenizer.padTokenId]).toEqual([bos, eos, pad]);
  expect(tokenizer.vocabSize).toBe(512);
  expect(tokenizer.tokenId("</s>")).toBe(eos);
  const same = tokenizerFromJson(json("mistral/tokenizer.json"), json("mistral/tokenizer_config.json"));
  expect(same.fingerprint).toBe(tokenizer.fingerprint);
  const other = tokenizerFromJson(json("mistral/tokenizer.json"), json("mistral/tokenizer_config.json"), "{{ messages }}");
  expect(other.fingerprint).not.toBe(tokenizer.fingerprint);
});

test("decode of nothing, and of ids outside the vocabulary, is empty", () => {
  expect(tokenizer.decode([])).toBe("");
  expect(tokenizer.decode([100_000])).toBe("");
  expect(tokenizer.decode(new Uint32Array(tokenizer.encode("Hello", { addSpecialTokens: false })))).toBe("Hello");
});

test("the assistant mask covers content and </s> of assistant turns only, through any whitespace control", () => {
  const messages = [
    { role: "user", content: "a </s> b" },
    { role: "assistant", content: "été 😀" },
    { role: "user", content: "more" },
    { role: "assistant", content: "" },
  ];
  const marked = readFileSync(new URL("trl_sft_run/chat_template_generation.jinja", fixtures), "utf8");
  const loose = `{% for message in messages %}
{{ '<|' + message['role'] + '|>' }}
{% if message['role'] == 'assistant' %}
  {% generation %}
{{ message['content'] + eos_token }}{% endgeneration %}

{% else %}
{{ message['content'] + eos_token }}
{% endif %}
{% endfor %}`;
  for (const template of [undefined, marked, loose]) {
    const chat = tokenizerFromJson(json("mistral/tokenizer.json"), json("mistral/tokenizer_config.json"), template);
    const { ids, assistantMask } = chat.encodeChat(messages);
    expect(ids).toEqual(chat.encode(chat.applyChatTemplate(messages), { addSpecialTokens: false }));
    expect(chat.decode(ids.filter((_, i) => assistantMask[i] === 1))).toBe("été 😀</s></s>");
  }
});

test("a template without marks that is not the Zephyr format is refused for masks", () => {
  const chat = tokenizerFromJson(
    json("mistral/tokenizer.json"),
    json("mistral/tokenizer_config.json"),
    "{{ messages[0].content }}",
  );
  expect(() => chat.encodeChat([{ role: "user", content: "x" }])).toThrow("{% generation %}");
});

test("tokens of the SentencePiece kind are laid along the text", () => {
  const spelling = { byteLevel: false, normalization: [], addedTokens: new Set(["</s>"]) };
  const mask = maskOfSpans(
    ["▁Hi", "▁", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "</s>", "▁you"],
    ["Hi ", "😀</s>", " you"],
    spelling,
  );
  expect(mask).toEqual([0, 0, 1, 1, 1, 1, 1, 0]);
  expect(() => maskOfSpans(["hi"], ["", "Hi", ""], spelling)).toThrow("does not spell");
  expect(() => maskOfSpans(["Hi"], ["", "Hi", "there"], spelling)).toThrow("2 of 7 bytes");
});

test("the stream decoder's pieces join to the whole, and none ends inside a character", () => {
  const random = randomFor(11);
  const texts = [...vectors.strings.map(({ text }) => text), "👩‍👩‍👧 family", "ΑΩ\ufffd end", "नमस्ते दुनिया", "a".repeat(500)];
  const sequences = texts.map((text) => tokenizer.encode(text));
  for (let i = 0; i < 50; i++) sequences.push(Array.from({ length: 120 }, () => random.integer(512)));
  for (const ids of sequences) {
    const decoder = streamDecoder(tokenizer);
    const pieces = ids.map((id) => decoder.push(id));
    const whole = tokenizer.decode(ids, { skipSpecialTokens: true });
    expect(pieces.join("") + decoder.flush()).toBe(whole);
    if (!whole.includes("\ufffd")) for (const piece of pieces) expect(piece).not.toContain("\ufffd");
  }
});

test("a saved tokenizer loads again as the same one; a folder without one says what is missing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "zephyr-tokenizer-"));
  await expect(loadTokenizer(folder)).rejects.toThrow("has no tokenizer.json");
  await saveTokenizer(tokenizer, folder);
  expect((await loadTokenizer(folder)).fingerprint).toBe(tokenizer.fingerprint);
  writeFileSync(join(folder, "tokenizer_config.json"), "{");
  await expect(loadTokenizer(folder)).rejects.toThrow("tokenizer_config.json: not JSON");
  writeFileSync(join(folder, "tokenizer_config.json"), '{"eos_token": "<none>"}');
  await expect(loadTokenizer(folder)).rejects.toThrow('eos_token "<none>"');
  writeFileSync(join(folder, "tokenizer.json"), '{"model": {}}');
  await expect(loadTokenizer(folder)).rejects.toThrow("model.vocab");
  rmSync(folder, { recursive: true });
});
