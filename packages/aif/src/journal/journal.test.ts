import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { crc32, crc32Plain } from "./crc32.ts";
import { openJournal, temporaryJournal } from "./journal.ts";
import { keyIndex } from "./key-index.ts";
import type { AnswerEntry } from "./record.ts";
import { canonicalJson, questionKey, requestKey, sha256 } from "./request-key.ts";

const folder = mkdtempSync(join(tmpdir(), "aif-journal-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const entry = (content: string): AnswerEntry => ({ outcome: "answer", content, finish_reason: "stop" });

test("CRC-32 has its published check value, in both forms", () => {
  for (const crc of [crc32, crc32Plain]) {
    expect(crc(Buffer.from("123456789"))).toBe(0xcbf43926);
    expect(crc(new Uint8Array())).toBe(0);
  }
});

test("what was appended is read back, also after opening it again, with all costs", async () => {
  const path = join(folder, "a");
  const journal = await openJournal(path);
  const contents = ["plain", "with\nline feeds\r\n and \u2028", "日本語 🙂 \u0000", ""];
  await Promise.all(contents.map((content, i) => journal.append(sha256(`${i}`), 0.1 * i, entry(content))));
  await journal.append(sha256("failed"), 0, { outcome: "failure", kind: "refusal", reason: "no" });
  await journal.close();
  const again = await openJournal(path);
  expect(contents.map((_, i) => again.get(sha256(`${i}`)))).toEqual(contents.map(entry));
  expect(again.get(sha256("failed"))).toMatchObject({ kind: "refusal" });
  expect(again.get(sha256("other"))).toBeUndefined();
  expect(again.spentUsd()).toBeCloseTo(0.6, 12);
  expect(again.damage).toEqual({ tornBytes: 0, corruptRecords: 0 });
  await again.append(sha256("later"), 0, entry("later"));
  expect(again.get(sha256("0"))).toEqual(entry("plain"));
  await again.close();
});

test("a journal for the process holds many records and leaves nothing behind", async () => {
  const journal = await temporaryJournal();
  await Promise.all(Array.from({ length: 3000 }, (_, i) => journal.append(sha256(`k${i}`), 0, entry(`v${i}`))));
  expect(journal.size()).toBe(3000);
  for (const i of [0, 1, 1023, 1024, 2999]) expect(journal.get(sha256(`k${i}`))).toEqual(entry(`v${i}`));
  await journal.close();
});

test("groups of records longer than their usual memory are kept whole, and so is what comes after them", async () => {
  const path = join(folder, "large");
  const journal = await openJournal(path);
  const contents = Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? "é🙂日\n" : "x").repeat(i % 7 === 0 ? 150_000 : i));
  for (let from = 0; from < contents.length; from += 10)
    await Promise.all(contents.slice(from, from + 10).map((text, i) => journal.append(sha256(`${from + i}`), 0, entry(text))));
  const check = (read: typeof journal): void => {
    for (const [i, content] of contents.entries()) expect(read.get(sha256(`${i}`))).toEqual(entry(content));
  };
  check(journal);
  await journal.close();
  const again = await openJournal(path);
  expect(again.damage).toEqual({ tornBytes: 0, corruptRecords: 0 });
  check(again);
  await again.close();
});

test("the key index keeps what it is given over all its growth", () => {
  const index = keyIndex();
  for (let i = 0; i < 5000; i++) index.set(sha256(`${i}`), i * 1e9, i + 1);
  for (let i = 0; i < 5000; i++) expect(index.get(sha256(`${i}`))).toEqual({ position: i * 1e9, mark: i + 1 });
  expect(index.size()).toBe(5000);
  index.set(sha256("7"), 3, 4);
  expect([index.size(), index.get(sha256("7"))]).toEqual([5000, { position: 3, mark: 4 }]);
  expect(index.get(sha256("x"))).toBeUndefined();
  expect(() => index.set(sha256("y"), 0, 0)).toThrow(RangeError);
});

test("a question's key is the key of its content", () => {
  const model = { name: 'the "model"', id: "openai:m/\u2028" };
  for (const messages of [
    [],
    [{ role: "user", content: "é\n" }],
    [
      { role: "system", content: "" },
      { role: "user", content: "b" },
    ],
  ]) {
    for (const sampling of [{ maxTokens: 1 }, { topP: 0.9, maxTokens: 7, temperature: 1e-7, missing: undefined }])
      expect(questionKey(model, messages, sampling, 3)).toBe(requestKey({ version: 1, ...model, messages, sampling, sample: 3 }));
  }
});

test("a request's key depends on its content, not on the order of its fields", () => {
  expect(requestKey({ a: 1, b: [{ c: "x", d: undefined }] })).toBe(requestKey({ b: [{ c: "x" }], a: 1 }));
  expect(requestKey({ a: 1 })).not.toBe(requestKey({ a: "1" }));
  expect(canonicalJson({ b: null, a: [1.5, "é"] })).toBe('{"a":[1.5,"é"],"b":null}');
  expect(() => canonicalJson({ a: Number.NaN })).toThrow(TypeError);
});
