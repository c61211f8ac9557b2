/** Symbols to ids, and the merges in the order in which they were learnt, as tokenizer.json stores them. */
export interface BpeModel {
  vocab: Record<string, number>;
  merges: [string, string][];
}

/** GPT-2's split of text into words, numbers, punctuation and white space; a merge never crosses such a border. */
const PIECES = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

interface Word {
  symbols: string[];
  count: number;
}

/**
 * Trains a byte-level BPE (Sennrich et al. 2016 on bytes, as GPT-2): the vocabulary is the special tokens, the 256 bytes,
 * and merges of the most frequent pair until `vocabSize` tokens are there or no pair occurs twice. Of equally frequent
 * pairs the first in code unit order is merged, so the result depends on the texts alone.
 *
 * Throws RangeError when `vocabSize` has no room for the specials and the 256 bytes.
 *
 * @example trainBpe(["a frog is green"], { vocabSize: 300, specialTokens: ["<unk>", "<s>", "</s>"] });
 */
export function trainBpe(texts: Iterable<string>, options: { vocabSize: number; specialTokens: readonly string[] }): BpeModel {
  const { vocabSize, specialTokens } = options;
  const symbols = [...specialTokens, ...byteSymbols()];
  if (vocabSize < symbols.length) {
    throw new RangeError(
      `trainBpe: vocabSize is ${vocabSize}, but ${specialTokens.length} special tokens and 256 bytes need ${symbols.length}; raise it`,
    );
  }
  const words = countWords(texts);
  const merges: [string, string][] = [];
  while (symbols.length < vocabSize) {
    const pair = mostFrequentPair(words);
    if (!pair) break;
    for (const word of words) mergePair(word, pair);
    merges.push(pair);
    symbols.push(pair[0] + pair[1]);
  }
  return { vocab: Object.fromEntries(symbols.map((symbol, id) => [symbol, id])), merges };
}

/** The printable stand-in of each byte, in byte order: itself where it is visible Latin-1, else a letter from U+0100 on. */
export function byteSymbols(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const visible = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCodePoint(visible ? byte : next++);
  });
}

function countWords(texts: Iterable<string>): Word[] {
  const symbols = byteSymbols();
  const encoder = new TextEncoder();
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [piece] of text.matchAll(PIECES)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  return [...counts].map(([piece, count]) => ({ symbols: [...encoder.encode(piece)].map((byte) => symbols[byte]!), count }));
}

function mostFrequentPair(words: readonly Word[]): [string, string] | undefined {
  const counts = new Map<string, number>();
  for (const { symbols, count } of words) {
    for (let at = 0; at + 1 < symbols.length; at++) {
      const key = `${symbols[at]} ${symbols[at + 1]}`;
      counts.set(key, (counts.get(key) ?? 0) + count);
    }
  }
  let best: [string, number] | undefined;
  for (const [key, count] of counts) {
    if (!best || count > best[1] || (count === best[1] && key < best[0])) best = [key, count];
  }
  return best && best[1] > 1 ? (best[0].split(" ") as [string, string]) : undefined;
}

/** Merges from left to right; what has just been merged does not merge again in the same pass ("aaa" to "aa", "a"). */
function mergePair(word: Word, [left, right]: readonly [string, string]): void {
  const merged: string[] = [];
  for (let at = 0; at < word.symbols.length; at++) {
    const symbol = word.symbols[at]!;
    if (symbol === left && word.symbols[at + 1] === right) {
      merged.push(left + right);
      at++;
    } else merged.push(symbol);
  }
  word.symbols = merged;
}
