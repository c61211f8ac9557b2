// @ts-check
/** What changed between two texts, by words. */

/** @typedef {{ kind: "same" | "new" | "gone", text: string }} Piece */

/** Beyond so many comparisons a text counts as wholly new; nobody reads that word by word. */
const MOST_CELLS = 4e6;

/**
 * The words of a text, each with the white space before it.
 * @param {string} text
 */
export const words = (text) => text.match(/\s*[\p{L}\p{N}_]+|\s*[^\s]|\s+$/gu) ?? [];

/**
 * The pieces of `after`, and of `before` what is not in it, by their longest common subsequence of words.
 * @param {string} before
 * @param {string} after
 * @returns {Piece[]}
 */
export function diff(before, after) {
  const [a, b] = [words(before), words(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [middleA, middleB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  return joined([
    ...b.slice(0, start).map((text) => piece("same", text)),
    ...middle(middleA, middleB),
    ...b.slice(b.length - end).map((text) => piece("same", text)),
  ]);
}

/**
 * @param {Piece["kind"]} kind
 * @param {string} text
 * @returns {Piece}
 */
const piece = (kind, text) => ({ kind, text });

/**
 * @param {string[]} a
 * @param {string[]} b
 * @returns {Piece[]}
 */
function middle(a, b) {
  if (a.length * b.length > MOST_CELLS || a.length === 0 || b.length === 0)
    return [...a.map((text) => piece("gone", text)), ...b.map((text) => piece("new", text))];
  const width = b.length + 1;
  // [i][j]: the longest common subsequence of a from i and b from j.
  const longest = new Uint16Array((a.length + 1) * width);
  const at = (/** @type {number} */ i, /** @type {number} */ j) => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  /** @type {Piece[]} */
  const pieces = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      pieces.push(piece("same", b[j] ?? ""));
      i++;
      j++;
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) pieces.push(piece("gone", a[i++] ?? ""));
    else pieces.push(piece("new", b[j++] ?? ""));
  }
  return pieces;
}

/**
 * Neighbours of one kind as one piece.
 * @param {Piece[]} pieces
 */
function joined(pieces) {
  /** @type {Piece[]} */
  const out = [];
  for (const { kind, text } of pieces) {
    const last = out.at(-1);
    if (last?.kind === kind) last.text += text;
    else out.push({ kind, text });
  }
  return out;
}
