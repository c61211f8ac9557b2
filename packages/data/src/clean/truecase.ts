import { type CleaningStep, cleaningStep, type Watch } from "./report.ts";
import { mapTexts } from "./row-text.ts";

/** Words before a full stop that does not end a sentence. */
const abbreviations = new Set(
  "e.g i.e etc vs cf al approx mr mrs ms dr prof st sr jr inc ltd co corp no fig vol pp p.m a.m u.s u.k ph.d".split(" "),
);

/**
 * Restores capital letters in texts that lost them: "Hello. how are you?" becomes "Hello. How are you?".
 *
 * The published filter of UltraChat-200k (Zephyr, section 4.1) was never released; these rules are our own:
 * - A *sentence start* is the first letter of a text, and a letter after `.`, `!` or `?` and white space. It does not count after an
 *   abbreviation, an initial, an ellipsis or a number, inside code (backticks) and where the word is no plain word
 *   (a URL, an address, a path, an identifier, `iPhone`).
 * - A text is rewritten only if at least half of its sentence starts are lower case: then each of them gets a capital,
 *   and so does the word `i` on its own (`i'm`, `i've`). All other texts stay as they are, to the byte.
 *
 * Rewrites user, assistant, system and plain texts, in whatever column they stand; the report counts rows, with examples.
 *
 * Throws TypeError (`NO_TEXT`) for a row without a text column.
 *
 * @example
 * pipe(rows, truecase({ onReport: (report) => console.log(report.changed / report.rows) }));
 */
export function truecase(watch: Watch = {}): CleaningStep {
  return cleaningStep("truecase", watch, () => (row, place) => {
    let first: { before: string; after: string } | undefined;
    const rewritten = mapTexts(
      row,
      ({ text }) => {
        const after = truecaseText(text);
        if (after !== text) first ??= { before: text, after };
        return after;
      },
      place,
    );
    return first && { row: rewritten, ...first };
  });
}

/** The text with its capitals restored, or the same text where the rules of `truecase` leave it alone. */
export function truecaseText(text: string): string {
  const code = codeSpans(text);
  const inCode = (at: number) => code.some(([from, to]) => at >= from && at < to);
  const starts = sentenceStarts(text).filter((at) => !inCode(at));
  const lower = starts.filter((at) => /\p{Ll}/u.test(characterAt(text, at)));
  if (lower.length === 0 || lower.length * 2 < starts.length) return text;
  const pronouns = Array.from(text.matchAll(/(?<![^\s("'“‘])i(?=['’](?:m|ve|ll|d)\b|[\s,;!?]|$)/g), ({ index }) => index);
  const capitals = new Set([...lower, ...pronouns.filter((at) => !inCode(at))]);
  let out = "";
  let from = 0;
  for (const at of [...capitals].toSorted((a, b) => a - b)) {
    const letter = characterAt(text, at);
    const capital = letter.toUpperCase();
    // A letter such as U+00DF has no capital of its own.
    if ([...capital].length !== 1) continue;
    out += text.slice(from, at) + capital;
    from = at + letter.length;
  }
  return out + text.slice(from);
}

/** Where fenced blocks and inline code lie. */
function codeSpans(text: string): [number, number][] {
  if (!text.includes("`")) return [];
  return Array.from(text.matchAll(/```[\s\S]*?(?:```|$)|`[^`\n]*`/g), (match) => [match.index, match.index + match[0].length]);
}

function sentenceStarts(text: string): number[] {
  const starts: number[] = [];
  const first = /^\s*(?=\p{L})/u.exec(text);
  if (first && isPlainWord(text, first[0].length)) starts.push(first[0].length);
  for (const match of text.matchAll(/[.!?]\s+(?=\p{L})/gu)) {
    const at = match.index + match[0].length;
    if ((match[0][0] !== "." || endsSentence(text, match.index)) && isPlainWord(text, at)) starts.push(at);
  }
  return starts;
}

/** Whether the full stop at this place ends a sentence. */
function endsSentence(text: string, stop: number): boolean {
  const before = /[^\s([]{1,12}$/u.exec(text.slice(Math.max(0, stop - 12), stop))?.[0] ?? "";
  if (before === "" || before.endsWith(".")) return false;
  return !/^(?:\p{L}|\d+)$/u.test(before) && !abbreviations.has(before.toLowerCase());
}

/** Letters, apostrophes and hyphens up to white space or closing punctuation, with no capital inside. */
function isPlainWord(text: string, at: number): boolean {
  const word = /^\S{1,60}/u.exec(text.slice(at, at + 60))?.[0] ?? "";
  return /^\p{L}[\p{Ll}\p{Lo}\p{M}'’-]*[.,;:!?…)\]"”»]*$/u.test(word);
}

function characterAt(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at)!);
}
