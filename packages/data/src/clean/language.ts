import { scriptLanguages, wordLists } from "./language-words.ts";

/** Fewer letters than this say nothing about a language: names, numbers, single words. */
const FEWEST_LETTERS = 24;
/** A kana among so many Han characters makes a text Japanese. */
const KANA_SHARE = 0.1;
/** Persian writes Arabic letters and these. */
const PERSIAN = /[پچژگکی]/u;
/** Least share of a text's words that must be common words of its language, and how far it must lead the next one. */
const FEWEST_COMMON = 0.12;
const LEAD = 1.15;
/** More than this is not needed to tell a language. */
const MOST_CHARACTERS = 8000;

/** Anything but Latin letters, marks, digits and punctuation. */
const BEYOND_LATIN = /[^\0-\u02ff\u1e00-\u1eff\u2000-\u22ff]/u;

const alphabets = { latin: /\p{Script=Latin}/gu, cyrillic: /\p{Script=Cyrillic}/gu };

/** How many word lists hold a word: one that many languages share says little. */
const sharedBy = new Map<string, number>();
for (const { words } of wordLists) for (const word of words) sharedBy.set(word, (sharedBy.get(word) ?? 0) + 1);

/**
 * The language that most of a text is written in, as its ISO 639-1 code, or undefined where nothing can tell: too few letters, mostly code
 * or names, or a language without a list here. Code between backticks, addresses and markup are left out.
 *
 * The rule is our own: first the script that most letters belong to; for Latin and Cyrillic the language whose commonest words are the
 * largest part of the text, a word counting less the more languages share it. Knows en, de, fr, es, pt, it, nl, sv, da, no, fi, pl, cs, ro, hu,
 * tr, id, vi, ru, uk, bg, el, he, ar, fa, hi, bn, ta, te, th, ka, hy, ko, ja, zh.
 *
 * @example
 * detectLanguage("Wie wäscht man am besten ein Auto, ohne den Lack zu zerkratzen?"); // "de"
 */
export function detectLanguage(text: string): string | undefined {
  const prose = proseOf(text.slice(0, MOST_CHARACTERS));
  const count = (pattern: RegExp) => prose.match(pattern)?.length ?? 0;
  const latin = count(alphabets.latin);
  if (!BEYOND_LATIN.test(prose)) return latin < FEWEST_LETTERS ? undefined : byWords(prose, "latin");
  const cyrillic = count(alphabets.cyrillic);
  const others = scriptLanguages.map(({ language, script }) => ({ language, letters: count(script) }));
  const syllables = Object.fromEntries(others.map(({ language, letters }) => [language, letters]));
  const han = syllables["zh"]! + syllables["ja"]!;
  const letters = latin + cyrillic + others.reduce((sum, each) => sum + each.letters, 0);
  // A Han or kana character stands for several letters.
  if (letters + 2 * han < FEWEST_LETTERS) return undefined;
  if (3 * han > latin + cyrillic) return syllables["ja"]! > KANA_SHARE * han ? "ja" : "zh";
  const leading = others.reduce((a, b) => (b.letters > a.letters ? b : a));
  if (leading.letters > latin + cyrillic) return leading.language === "ar" && PERSIAN.test(prose) ? "fa" : leading.language;
  return byWords(prose, latin >= cyrillic ? "latin" : "cyrillic");
}

function byWords(prose: string, script: "latin" | "cyrillic"): string | undefined {
  const found = prose.toLowerCase().match(/\p{L}+/gu) ?? [];
  if (found.length < 4) return undefined;
  const scores = wordLists
    .filter((list) => list.script === script)
    .map(({ language, words }) => {
      let common = 0;
      let weight = 0;
      for (const word of found) {
        if (!words.has(word)) continue;
        common += 1;
        weight += 1 / sharedBy.get(word)!;
      }
      return { language, common, weight };
    })
    .toSorted((a, b) => b.weight - a.weight);
  const [best, next] = scores as [(typeof scores)[number], (typeof scores)[number]];
  if (best.common < Math.max(2, FEWEST_COMMON * found.length)) return undefined;
  return best.weight >= LEAD * next.weight ? best.language : undefined;
}

/** A text without its code, addresses, tags and formulas. */
function proseOf(text: string): string {
  return text
    .replace(/```[\s\S]*?(?:```|$)|`[^`\n]*`/g, " ")
    .replace(/\bhttps?:\/\/\S+|\bwww\.\S+|\S+@\S+/g, " ")
    .replace(/<[^<>\n]{1,200}>|\$[^$\n]{1,200}\$/g, " ")
    .normalize("NFC");
}
