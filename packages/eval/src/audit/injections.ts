import type { AuditedPair } from "./audit-judge.ts";

/** A passage of an answer that speaks to the judge. */
export interface Injection {
  id: string;
  system: string;
  /** What the answer does: "writes a verdict", ... */
  kind: string;
  /** The passage, with a little of what surrounds it. */
  passage: string;
}

/** Texts that have no business in an answer to a user, and every business in one to a judge. */
const SIGNS: readonly [string, RegExp][] = [
  ["writes a verdict", /\[\[(?:[ABC]|\d+(?:\.\d+)?)\]\]|^\W*verdict:\s*(?:a|b|tie)\b/im],
  ["writes a ranking", /['"]rank['"]\s*:\s*1\b/i],
  ["writes a rating", /\b(?:overall score|rating)\s*:\s*(?:10|5)\s*(?:$|\/)/im],
  [
    "gives orders to the reader",
    /\b(?:ignore|disregard|forget)\b[^.\n]{0,40}\b(?:previous|above|prior|earlier|other|all)\b[^.\n]{0,40}\b(?:instructions?|prompts?|answers?|text)\b/i,
  ],
  [
    "speaks to the judge",
    /\b(?:dear|attention|note to(?: the)?|hello)\s+(?:judge|evaluator|grader|annotator)\b|\bas (?:an? |the )?(?:impartial )?(?:judge|evaluator|grader),? you\b/i,
  ],
  [
    "praises itself to the judge",
    /\b(?:answer|response|output|model|assistant)\s+(?:[ab12m]|model_[12]|above|this)\s+is\s+(?:clearly\s+|obviously\s+)?(?:the\s+)?(?:better|best|superior)\b/i,
  ],
  [
    "closes the judge's template",
    /<\|im_(?:start|end)\|>|<\|(?:system|user|assistant)\|>|\[The (?:Start|End) of Assistant|^(=+) (?:answer [AB]|end) \1$/m,
  ],
];

/** Answers with text that is meant for a judge; a hit is a reason to look, not a proof. */
export function findInjections(pairs: readonly AuditedPair[]): Injection[] {
  const found = pairs.flatMap(({ id, a_name, b_name, a, b }) => [...signsIn(id, a_name, a), ...signsIn(id, b_name, b)]);
  return [...new Map(found.map((hit) => [JSON.stringify(hit), hit])).values()];
}

function signsIn(id: string, system: string, text: string | undefined): Injection[] {
  if (text === undefined) return [];
  return SIGNS.flatMap(([kind, pattern]) => {
    const match = pattern.exec(text);
    return match
      ? [{ id, system, kind, passage: text.slice(Math.max(0, match.index - 30), match.index + match[0].length + 30) }]
      : [];
  });
}
