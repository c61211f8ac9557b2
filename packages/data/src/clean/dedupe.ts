import { HashTable } from "./hash-table.ts";
import { hashText } from "./hash-text.ts";
import { bucketKeys, minhashSignature, shinglesOf } from "./minhash.ts";
import { type CleaningStep, cleaningStep, type Verdict, type Watch } from "./report.ts";
import { promptOf, textsOf } from "./row-text.ts";

/** What counts as a repeat. */
export type DedupeMethod = "exact" | "minhash";

/**
 * Drops rows that repeat an earlier one; the first is kept.
 *
 * - "exact": the same texts from the same speakers, to the character (by 64-bit hashes; at most 36 bytes of memory a row).
 * - "minhash": near-duplicates, with datatrove's settings: 5-grams of words in lower case without punctuation, 14 buckets of 8 hashes
 *   (32 bits). A pair of Jaccard similarity 0.8 is found with probability 0.924, one of 0.5 with 0.053. A row is compared with the rows kept
 *   before it, so each dropped row has a near-duplicate that stayed. At most 504 bytes of memory a kept row.
 *
 * `by` says what is compared: all texts of the row (default), or its prompt alone. As the first one stays, the result depends on the order of rows.
 *
 * Throws RangeError (`BAD_OPTION`) for an unknown method, TypeError (`NO_TEXT`) for a row without a text column.
 *
 * @example
 * pipe(dialogues, dedupe({ method: "exact" }), dedupe({ method: "minhash" }));
 */
export function dedupe({ method, by = "row", ...watch }: { method: DedupeMethod; by?: "row" | "prompt" } & Watch): CleaningStep {
  if (method !== "exact" && method !== "minhash") throw badOption("method", method, '"exact" or "minhash"');
  if (by !== "row" && by !== "prompt") throw badOption("by", by, '"row" or "prompt"');
  return cleaningStep(`dedupe ${method}`, watch, () => {
    const earlierRow = method === "exact" ? exactMatcher() : minhashMatcher();
    return <R extends object>(row: R, place: string, rowNumber: number): Verdict<R> => {
      const texts = by === "prompt" ? [{ role: "user", text: promptOf(row, place) }] : textsOf(row, place);
      const earlier = earlierRow(texts, rowNumber);
      if (earlier === undefined) return undefined;
      const reason = method === "exact" ? "duplicate" : "near-duplicate";
      return { reason, detail: `of row ${earlier}`, excerpt: texts.map(({ text }) => text).join(" ") };
    };
  });
}

/** The number of an earlier row like this one, or undefined, after which the row counts as seen. */
type Matcher = (texts: readonly { role: string; text: string }[], rowNumber: number) => number | undefined;

function exactMatcher(): Matcher {
  const seen = new HashTable();
  return (texts, rowNumber) => {
    const whole = JSON.stringify(texts.map(({ role, text }) => [role, text]));
    const earlier = seen.add(hashText(whole, 0), hashText(whole, 0x9747b28c), rowNumber);
    return earlier === -1 ? undefined : earlier;
  };
}

function minhashMatcher(): Matcher {
  const seen = new HashTable();
  return (texts, rowNumber) => {
    const shingles = shinglesOf(texts.map(({ text }) => text).join("\n"));
    // Texts without any word have nothing to compare.
    if (shingles.length === 0) return undefined;
    const { low, high } = bucketKeys(minhashSignature(shingles));
    for (let bucket = 0; bucket < low.length; bucket += 1) {
      const earlier = seen.get(low[bucket]!, high[bucket]!);
      if (earlier !== -1) return earlier;
    }
    for (let bucket = 0; bucket < low.length; bucket += 1) seen.add(low[bucket]!, high[bucket]!, rowNumber);
    return undefined;
  };
}

function badOption(name: string, value: unknown, allowed: string) {
  const error = new RangeError(`dedupe: ${name} is ${JSON.stringify(value)}; it must be ${allowed}`);
  return Object.assign(error, { code: "BAD_OPTION" });
}
