import { PromptIndex } from "./prompt-index.ts";
import { type CleaningStep, cleaningStep, type Watch } from "./report.ts";
import { textsOf } from "./row-text.ts";

/** A benchmark's prompts, under the name that the report uses. */
export interface Benchmark {
  name: string;
  prompts: readonly string[];
}

/** Letters of an overlap: about 12 words of English, the n-gram of datatrove's decontamination. */
const OVERLAP = 60;

/**
 * Drops rows that hold a prompt of a benchmark, in any of their texts, on either side of the dialogue.
 *
 * Texts are compared by their letters and digits alone, so copies are found whatever their case, spaces, punctuation and accents:
 * - *contains*: a text holds all of a prompt, also in the middle of a longer text. A prompt of fewer than 16 letters must stand between
 *   word boundaries, one of fewer than 8 must be the whole text.
 * - *overlaps*: a text shares at least `overlap` letters in a row with a prompt (60 by default, about 12 words; Infinity turns it off).
 *
 * Memory grows with the prompts, not with the rows. Throws RangeError (`BAD_OPTION`) without any prompt or for an overlap below 16;
 * TypeError (`NO_TEXT`) for a row without a text column.
 *
 * @example
 * const prompts = (await collectRows(readRows("question.jsonl"))).flatMap(benchmarkPrompts);
 * pipe(rows, decontaminate({ against: [{ name: "mt-bench", prompts }] }));
 */
export function decontaminate({
  against,
  overlap = OVERLAP,
  ...watch
}: { against: readonly Benchmark[]; overlap?: number } & Watch): CleaningStep {
  if (!(overlap >= 16 && (Number.isInteger(overlap) || overlap === Number.POSITIVE_INFINITY))) {
    throw badOption(`overlap is ${overlap}; it must be a whole number of letters from 16, or Infinity`);
  }
  const names = against.flatMap(({ name, prompts }) => prompts.map((_, i) => ({ name, number: i + 1 })));
  if (names.length === 0) throw badOption("against holds no prompts; give at least one benchmark with prompts");
  const index = new PromptIndex(
    against.flatMap(({ prompts }) => prompts),
    overlap,
  );
  return cleaningStep("decontaminate", watch, () => (row, place) => {
    for (const { text } of textsOf(row, place)) {
      const match = index.find(text);
      if (match === undefined) continue;
      const { name, number } = names[match.prompt]!;
      const detail = `prompt ${number} of ${name}`;
      return { reason: `${match.whole ? "contains" : "overlaps"} a prompt of ${name}`, detail, excerpt: text };
    }
    return undefined;
  });
}

function badOption(what: string) {
  return Object.assign(new RangeError(`decontaminate: ${what}`), { code: "BAD_OPTION" });
}
