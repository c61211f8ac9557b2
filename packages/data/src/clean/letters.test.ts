import { expect, it } from "vitest";
import { Letters } from "./letters.ts";
import { normalizeText } from "./normalize-text.ts";

/** The words of a text, put together again from its letters. */
function wordsOf(text: string, letters: Letters): string {
  letters.read(text);
  let words = "";
  for (let i = 0; i < letters.length; i += 1) {
    if (i > 0 && letters.starts[i] === 1) words += " ";
    words += String.fromCharCode(letters.codes[i]!);
  }
  return words;
}

it("letters are those of normalizeText, for any text, also after a longer one", () => {
  const letters = new Letters();
  const texts = [
    "Hello, World's end!",
    "",
    "'",
    "  a  ",
    "Don’t — naïve ÉLAN",
    "你好 world",
    "ＡＢＣ ﬁ",
    "x".repeat(9000),
    "İstanbul",
    "🙂 a🙂b",
    "สวัสดี",
    "한국어 x",
  ];
  for (let code = 0; code < 128; code += 1) texts.push(`a${String.fromCharCode(code)}b`);
  for (const text of texts) expect(wordsOf(text, letters)).toBe(normalizeText(text));
});

it("normalizeText folds case, accents, apostrophes, punctuation and spaces", () => {
  expect(normalizeText("  Don't, DON’T: naïve\n—Élan! ＡＢＣ 42 ")).toBe("dont dont naive elan abc 42");
  expect(normalizeText("你好 ok")).toBe("你 好 ok");
});
