import { detectLanguage } from "./language.ts";
import { languageCodes } from "./language-words.ts";
import { type CleaningStep, cleaningStep, type Watch } from "./report.ts";
import { textsOf } from "./row-text.ts";

/**
 * Drops rows that are written in another language than these (ISO 639-1 codes), judged by all texts of the row together, so that
 * a translation exercise in an English dialogue stays. A row whose language cannot be told (short, code, names) stays too.
 *
 * `detect` takes the place of `detectLanguage`: a function from a text to a code, or undefined.
 *
 * Throws RangeError (`BAD_OPTION`) for no language or one that cannot be told; TypeError (`NO_TEXT`) for a row without a text column.
 *
 * @example
 * pipe(dialogues, filterLanguage({ languages: ["en"] }));
 */
export function filterLanguage({
  languages,
  detect = detectLanguage,
  ...watch
}: {
  languages: readonly string[];
  detect?: (text: string) => string | undefined;
} & Watch): CleaningStep {
  const unknown = languages.find((language) => detect === detectLanguage && !languageCodes.includes(language));
  if (languages.length === 0 || unknown !== undefined) {
    const what = unknown === undefined ? "languages is empty" : `language ${JSON.stringify(unknown)} cannot be told`;
    const error = new RangeError(`filterLanguage: ${what}; give codes among ${languageCodes.join(", ")}`);
    throw Object.assign(error, { code: "BAD_OPTION" });
  }
  const kept = new Set(languages);
  return cleaningStep("filterLanguage", watch, () => (row, place) => {
    const whole = textsOf(row, place)
      .map(({ text }) => text)
      .join("\n");
    const language = detect(whole);
    if (language === undefined || kept.has(language)) return undefined;
    return { reason: `language ${language}`, detail: `not ${languages.join(" or ")}`, excerpt: whole };
  });
}
