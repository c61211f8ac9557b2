import { type CleaningStep, cleaningStep, type Watch } from "./report.ts";
import { sequencesOf } from "./row-text.ts";

/** Number of words, that is of runs without white space. */
export function countWords(text: string): number {
  let count = 0;
  for (const _ of text.matchAll(/\S+/g)) count += 1;
  return count;
}

/**
 * Drops rows with a sequence shorter than `minTokens` or longer than `maxTokens`, both bounds kept.
 *
 * A row's sequences are what a trainer makes of it: each dialogue, and the prompt with each answer. Tokens are those of `countTokens`
 * (pass a tokenizer's), or else words: runs without white space. A chat template's own tokens are not counted.
 *
 * Throws RangeError (`BAD_OPTION`) for bounds that are no whole numbers or that no length can meet; TypeError (`NO_TEXT`) for a row without a text column.
 *
 * @example
 * pipe(rows, filterLength({ maxTokens: 2048, countTokens: (text) => tokenizer.encode(text).length }));
 */
export function filterLength({
  minTokens = 0,
  maxTokens = Number.POSITIVE_INFINITY,
  countTokens = countWords,
  ...watch
}: { minTokens?: number; maxTokens?: number; countTokens?: (text: string) => number } & Watch): CleaningStep {
  const whole = Number.isInteger(minTokens) && (Number.isInteger(maxTokens) || maxTokens === Number.POSITIVE_INFINITY);
  if (!whole || minTokens < 0 || maxTokens < minTokens) {
    throw Object.assign(
      new RangeError(
        `filterLength: minTokens ${minTokens} and maxTokens ${maxTokens}; give whole numbers with 0 <= minTokens <= maxTokens`,
      ),
      { code: "BAD_OPTION" },
    );
  }
  return cleaningStep("filterLength", watch, () => (row, place) => {
    for (const sequence of sequencesOf(row, place)) {
      const tokens = sequence.reduce((sum, text) => sum + countTokens(text), 0);
      const excerpt = sequence.join(" ");
      if (tokens < minTokens) return { reason: "too short", detail: `${tokens} tokens, at least ${minTokens}`, excerpt };
      if (tokens > maxTokens) return { reason: "too long", detail: `${tokens} tokens, at most ${maxTokens}`, excerpt };
    }
    return undefined;
  });
}
