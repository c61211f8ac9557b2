import { type CleaningStep, cleaningStep, type Watch } from "./report.ts";
import { textsOf } from "./row-text.ts";

/** Contractions, once apostrophes are gone, written out. */
const contractions: readonly [RegExp, string][] = [
  [/\bcant\b|\bcannot\b/g, "can not"],
  [/\bwont\b/g, "will not"],
  [/\b(do|does|did|is|are|was|were|have|has|had|could|would|should)nt\b/g, "$1 not"],
  [/\bim\b/g, "i am"],
];

/** An assistant that speaks of lacking a person's inner life, or of being a language model. */
const refusalPatterns: readonly RegExp[] = [
  /\bi (?:\w+ )?(?:do not|can not|am not able to|am unable to|am incapable of) (?:\w+ )?(?:have|having|possess|possessing|experience|experiencing|feel|feeling|hold|form|express)(?: \w+)? (?:\w+ )?(?:experiences?|opinions?|emotions?|feelings?|beliefs?|preferences?|consciousness|thoughts)\b/,
  /\bas an? (?:ai |artificial intelligence )?(?:large )?language model\b/,
  /\bas an? (?:ai|artificial intelligence)(?: (?:model|assistant|chatbot|system))? i\b/,
  /\bi am (?:just |only |merely )?an? (?:ai|artificial intelligence|(?:large )?language model|ai language model)\b/,
];

/**
 * Drops rows in which the assistant says one of these phrases, the whole row and not the turn alone.
 *
 * Without `phrases` the rules are our own, around the three phrases that the card of UltraChat-200k names ("I don't have personal
 * experiences", "I do not have emotions", "I don't have opinions"): *I* with a negation, a verb of having, and experiences,
 * opinions, emotions, feelings, beliefs or preferences; "as an AI (language) model"; "as an AI, I"; "I am (just) an AI".
 * `phrases` replaces them. Case, punctuation, the form of apostrophes and contractions make no difference; a phrase matches whole words.
 *
 * Looks at assistant turns in `messages`, `conversations`, `completion` and `chosen`, and at plain `text`; not at `rejected`
 * and not at `completions`, which may well hold bad answers.
 *
 * Throws TypeError (`NO_TEXT`) for a row without a text column, RangeError (`BAD_OPTION`) for a phrase without words.
 *
 * @example
 * pipe(dialogues, dropPhrases());
 * pipe(dialogues, dropPhrases({ phrases: ["I cannot help with that"] }));
 */
export function dropPhrases({ phrases, ...watch }: { phrases?: readonly string[] } & Watch = {}): CleaningStep {
  const patterns = phrases?.map(phrasePattern) ?? refusalPatterns;
  return cleaningStep("dropPhrases", watch, () => (row, place) => {
    for (const { column, role, text } of textsOf(row, place)) {
      if (column === "rejected" || column === "completions") continue;
      if (role !== "assistant" && role !== "text") continue;
      const found = findPhrase(text, patterns);
      if (found !== undefined) return { reason: "phrase", detail: found, excerpt: text };
    }
    return undefined;
  });
}

/** The words that matched, or undefined. */
function findPhrase(text: string, patterns: readonly RegExp[]): string | undefined {
  const words = phraseWords(text);
  for (const pattern of patterns) {
    const match = pattern.exec(words);
    if (match) return match[0];
  }
  return undefined;
}

function phrasePattern(phrase: string): RegExp {
  const words = phraseWords(phrase);
  if (words === "") {
    throw Object.assign(new RangeError(`dropPhrases: phrase ${JSON.stringify(phrase)} has no words; leave it out`), {
      code: "BAD_OPTION",
    });
  }
  return new RegExp(`(?<![\\p{L}\\p{N}])${words}(?![\\p{L}\\p{N}])`, "u");
}

function phraseWords(text: string): string {
  const words = text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/['’‘ʼ`]/gu, "")
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, " ")
    .trim();
  return contractions.reduce((written, [short, long]) => written.replace(short, long), words);
}
