import { codedError } from "./coded-error.ts";
import { allPairs } from "./rules/all-pairs.ts";
import { bestAgainstLower } from "./rules/best-against-lower.ts";
import { bestAgainstMargin } from "./rules/best-against-margin.ts";
import { bestAgainstRandom } from "./rules/best-against-random.ts";
import { bestAgainstWorst } from "./rules/best-against-worst.ts";
import type { PairRule } from "./rules/rule.ts";

/** What a completion's score is: the mean of its aspects' ratings, or the overall score. */
export type ScoreName = "mean" | "overall";

/** `published` presets fix their score; the others take either, the mean by default. */
interface PairPreset {
  rule: PairRule;
  score: ScoreName;
  published: boolean;
}

/** Presets that give pairs, by name. */
export const pairPresets = {
  "zephyr-paper": { rule: bestAgainstRandom, score: "mean", published: true },
  h4: { rule: bestAgainstRandom, score: "overall", published: true },
  argilla: { rule: bestAgainstLower, score: "mean", published: true },
  "max-min": { rule: bestAgainstWorst, score: "mean", published: false },
  "all-pairs": { rule: allPairs, score: "mean", published: false },
  margin: { rule: bestAgainstMargin, score: "mean", published: false },
} as const satisfies Record<string, PairPreset>;

/** A rule that makes one pair of a rated row. */
export type PairPresetName = keyof typeof pairPresets;
/** A rule that makes a pair, unpaired rows or a ranked list of a rated row. */
export type PresetName = PairPresetName | "unpaired" | "listwise";

/** Every preset `binarize` knows, in the order of its documentation. */
export const presetNames: readonly PresetName[] = [...(Object.keys(pairPresets) as PairPresetName[]), "unpaired", "listwise"];

/** The name if it is a preset's; throws RangeError (`UNKNOWN_PRESET`) naming the nearest one otherwise. */
export function checkPreset(name: unknown): PresetName {
  const found = presetNames.find((known) => known === name);
  if (found !== undefined) return found;
  const nearest = presetNames.toSorted((a, b) => editDistance(String(name), a) - editDistance(String(name), b))[0];
  throw codedError(
    new RangeError(
      `binarize: unknown preset ${JSON.stringify(name)}; did you mean "${nearest}"? Known: ${presetNames.join(", ")}`,
    ),
    "UNKNOWN_PRESET",
  );
}

export function isPairPreset(name: PresetName): name is PairPresetName {
  return name in pairPresets;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
