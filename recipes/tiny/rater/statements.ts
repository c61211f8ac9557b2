import { type Attribute, attributeOf, OPPOSITES, THINGS } from "../world/knowledge.ts";

/** One sentence of an answer, understood. `it` refers to what the conversation is about. */
export type Statement =
  | { says: "attribute"; subject: string; attribute: Attribute; value: string; negated: boolean }
  | { says: "sum"; left: number; right: number; result: number }
  | { says: "parity"; number: number; even: boolean }
  | { says: "opposite"; word: string; opposite: string }
  | { says: "place in list"; which: "first" | "last"; word: string }
  | { says: "count"; count: number }
  | { says: "words"; words: string[] }
  | { says: "request"; polite: boolean; verb: string; thing: string; asks: boolean }
  | { says: "thanks" }
  /** A bare "yes" or "no", or one at the head of the next statement. */
  | { says: "polarity"; yes: boolean }
  | { says: "nothing clear"; text: string };

type Match = RegExpExecArray;
type Rule = readonly [RegExp, (match: Match) => Statement[] | undefined];

const RULES: readonly Rule[] = [
  [
    /^(?:(?:an?|the) )?(\w+) (is|are) (not )?(?:an? |in the )?(\w+)$/,
    ([, subject, , not, value]) => attributeClaim(subject!, value!, not),
  ],
  [/^(?:(?:an?|the) )?(\w+) (?:says|makes) (\w+)$/, ([, subject, value]) => attributeClaim(subject!, value!, undefined, "sound")],
  [/^i can see an? (?:(\w+) )?(\w+) in the (\w+)$/, ([, value, thing, place]) => sighting(thing!, value, place!)],
  [/^(?:an?|the) (\w+) (\w+) is in the (\w+)$/, ([, value, thing, place]) => sighting(thing!, value, place!)],
  [
    /^(\d+) (?:plus|and|\+) (\d+) (?:is|makes|equals) (?:also )?(\d+)$/,
    ([, left, right, result]) => [{ says: "sum", left: Number(left), right: Number(right), result: Number(result) }],
  ],
  [/^(?:it|the answer|the sum) is (\d+)$/, ([, number]) => [{ says: "words", words: [number!] }]],
  [
    /^(\d+) is an? (even|odd) number$/,
    ([, number, parity]) => [{ says: "parity", number: Number(number), even: parity === "even" }],
  ],
  [/^the opposite of (\w+) is (\w+)$/, ([, word, opposite]) => [{ says: "opposite", word: word!, opposite: opposite! }]],
  [
    /^the (first|last) word is (\w+)$/,
    ([, which, word]) => [{ says: "place in list", which: which as "first" | "last", word: word! }],
  ],
  [/^(?:there are|that is|here are) (\d+) words?(?: here)?$/, ([, count]) => [{ says: "count", count: Number(count) }]],
  [
    /^(?:the|here are the|your) words(?: in reverse| backwards)?(?: are)?:? (\w+(?:,? (?:and )?\w+)*)$/,
    ([, list]) => [{ says: "words", words: listed(list!) }],
  ],
  [
    /^(?:could|can|would|will) you (please )?(\w+) me (?:an?|the) (\w+)(, please)?$/,
    ([, before, verb, thing, after]) => [
      { says: "request", polite: (before ?? after) !== undefined, verb: verb!, thing: thing!, asks: true },
    ],
  ],
  [
    /^(please )?(\w+) me (?:an?|the) (\w+)(, please)?$/,
    ([, before, verb, thing, after]) => [
      { says: "request", polite: (before ?? after) !== undefined, verb: verb!, thing: thing!, asks: false },
    ],
  ],
  [/^(?:thank you|thanks)(?: very much)?$/, () => [{ says: "thanks" }]],
  [/^in the (\w+)$/, ([, place]) => (attributeOf(place!) === "place" ? [{ says: "words", words: [place!] }] : undefined)],
  [/^(?:(?:an?|the) )?(\w+)$/, ([, word]) => [{ says: "words", words: [word!] }]],
  [/^\w+(?:, (?:and )?\w+)+$/, ([list]) => [{ says: "words", words: listed(list) }]],
];

/**
 * Reads an answer sentence by sentence. Case is ignored, and so is the last full stop; a sentence that fits no rule is
 * "nothing clear". Lines after "- " make one list.
 *
 * @example readStatements("A frog is green. It says croak.");
 */
export function readStatements(text: string): Statement[] {
  const lines = text.split("\n").map((line) => line.trim());
  if (lines.length > 0 && lines.every((line) => /^- \S+$/.test(line))) {
    return [{ says: "words", words: lines.map((line) => line.slice(2).toLowerCase().replace(/[.,]$/, "")) }];
  }
  return text
    .toLowerCase()
    .split(/[.!?;]+(?=\s|$)|\n+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== "")
    .flatMap(readSentence);
}

function readSentence(sentence: string): Statement[] {
  const polarity = /^(yes|no)(?:, ?|$)(.*)$/.exec(sentence);
  if (polarity) {
    const said: Statement = { says: "polarity", yes: polarity[1] === "yes" };
    return polarity[2] === "" ? [said] : [said, ...readSentence(polarity[2]!)];
  }
  for (const [pattern, build] of RULES) {
    const match = pattern.exec(sentence);
    const statements = match && build(match);
    if (statements) return statements;
  }
  return [{ says: "nothing clear", text: sentence }];
}

function attributeClaim(subject: string, value: string, not: string | undefined, only?: Attribute): Statement[] | undefined {
  const attribute = attributeOf(value);
  if (attribute === undefined || (only !== undefined && attribute !== only)) return undefined;
  if (OPPOSITES.has(subject)) return undefined;
  return [{ says: "attribute", subject, attribute, value, negated: not !== undefined }];
}

function sighting(thing: string, value: string | undefined, place: string): Statement[] | undefined {
  if (!THINGS.has(thing)) return undefined;
  const at = attributeClaim(thing, place, undefined, "place");
  const like = value === undefined ? [] : attributeClaim(thing, value, undefined);
  return at && like ? [...at, ...like] : undefined;
}

function listed(text: string): string[] {
  return text.split(/,? and |, ?| /).filter((word) => word !== "");
}
