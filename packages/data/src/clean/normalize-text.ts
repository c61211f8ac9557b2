/**
 * The words of a text in lower case without accents, punctuation and apostrophes ("Don't" is "dont"), single spaces between them;
 * each Chinese, Japanese or Thai character is a word.
 */
export function normalizeText(text: string): string {
  const plain = isAscii(text) ? text : foldUnicode(text);
  return plain
    .toLowerCase()
    .replaceAll("'", "")
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

function foldUnicode(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/[\p{M}’‘ʼ]/gu, "")
    .normalize("NFC")
    .replace(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu, " $& ");
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 127) return false;
  return true;
}
