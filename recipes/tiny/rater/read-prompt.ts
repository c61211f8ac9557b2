import type { Message } from "@zephyr/data";
import { ATTRIBUTES, type Attribute, OPPOSITES, THINGS, VALUES } from "../world/knowledge.ts";
import {
  ATTRIBUTE_PHRASINGS,
  ELLIPSIS_PHRASINGS,
  FORMAT_PHRASINGS,
  PHRASINGS,
  PRONOUN_PHRASINGS,
  YES_NO_PHRASINGS,
} from "../world/phrasings.ts";
import type { Format, Task } from "../world/task.ts";

/** What stands in the places of a phrasing, by the place's name. */
type Slots = Record<string, string>;

interface Reader {
  pattern: RegExp;
  build: (slots: Slots, format: Format) => Task | undefined;
}

const SLOT_PATTERNS: Readonly<Record<string, string>> = {
  thing: "an? (?<thing>[a-z]+)",
  thing2: "an? (?<thing2>[a-z]+)",
  word: "(?<word>[a-z]+)",
  words: "(?<words>[a-z]+(?:, [a-z]+)+)",
  left: "(?<left>\\d{1,3})",
  right: "(?<right>\\d{1,3})",
  verb: "(?<verb>[a-z]+)",
};

/**
 * Reads what a prompt asks for out of its text alone; of a conversation, the last user turn in the light of the first.
 * Undefined for a question that is not of this world.
 *
 * @example readPrompt("What colour is a frog?"); // { kind: "attribute", thing: "frog", attribute: "colour", format: "free" }
 */
export function readPrompt(prompt: string | readonly Message[]): Task | undefined {
  if (typeof prompt === "string") return readQuestion(prompt);
  const turns = prompt.filter(({ role }) => role === "user").map(({ content }) => content);
  const last = turns.at(-1);
  if (last === undefined) return undefined;
  const before = turns.length > 1 ? readQuestion(turns.at(-2)!) : undefined;
  return readFollowUp(last, before) ?? readQuestion(last);
}

function readQuestion(text: string): Task | undefined {
  const { question, format } = splitFormat(text.trim());
  for (const { pattern, build } of READERS) {
    const slots = pattern.exec(question)?.groups;
    const task = slots && build(slots, format);
    if (task) return task;
  }
  return undefined;
}

function splitFormat(text: string): { question: string; format: Format } {
  for (const [format, phrase] of Object.entries(FORMAT_PHRASINGS) as [Format, string][]) {
    if (phrase !== "" && text.endsWith(` ${phrase}`)) return { question: text.slice(0, -phrase.length - 1), format };
  }
  return { question: text, format: "free" };
}

/** "What colour is it?" keeps the thing of the question before, "And a cow?" its attribute. */
function readFollowUp(text: string, before: Task | undefined): Task | undefined {
  if (before?.kind !== "attribute") return undefined;
  const attribute = ATTRIBUTES.find((name) => PRONOUN_PHRASINGS[name].includes(text.trim()));
  if (attribute) return aboutThing(before.thing, attribute, "free");
  for (const phrasing of ELLIPSIS_PHRASINGS) {
    const thing = patternOf(phrasing).exec(text.trim())?.groups?.["thing"];
    if (thing) return aboutThing(thing, before.attribute, "free");
  }
  return undefined;
}

/** A question about a thing's attribute; about a name that stands for nothing, it asks for what cannot be known. */
function aboutThing(name: string, attribute: Attribute, format: Format): Task | undefined {
  const thing = THINGS.get(name);
  if (!thing) return { kind: "unknown", name, attribute, format };
  return thing[attribute] === undefined ? undefined : { kind: "attribute", thing: name, attribute, format };
}

const READERS: readonly Reader[] = [
  ...ATTRIBUTES.flatMap((attribute) =>
    readersOf(ATTRIBUTE_PHRASINGS[attribute], ({ thing }, format) => aboutThing(thing!, attribute, format)),
  ),
  ...ATTRIBUTES.flatMap((attribute) =>
    readersOf(YES_NO_PHRASINGS[attribute], ({ thing, word, thing2 }, format) => {
      const value = word ?? thing2!;
      if (!VALUES[attribute].includes(value)) return undefined;
      const known = THINGS.get(thing!);
      if (!known) return { kind: "unknown", name: thing!, attribute, format };
      return known[attribute] === undefined ? undefined : { kind: "yes-no", thing: thing!, attribute, value, format };
    }),
  ),
  ...readersOf(PHRASINGS.opposite, ({ word }, format) =>
    OPPOSITES.has(word!) ? { kind: "opposite", word: word!, format } : undefined,
  ),
  ...readersOf(PHRASINGS.sum, ({ left, right }, format) => ({ kind: "sum", left: Number(left), right: Number(right), format })),
  ...(["copy", "reverse", "first", "last", "count"] as const).flatMap((kind) =>
    readersOf(PHRASINGS[kind], ({ words }, format) => ({ kind, words: words!.split(", "), format })),
  ),
  ...readersOf(PHRASINGS["odd-one-out"], ({ thing, words }, format) => readOddOneOut(thing!, words!.split(", "), format)),
  ...readersOf(PHRASINGS.sentence, ({ word }, format) =>
    THINGS.has(word!) ? { kind: "sentence", thing: word!, format } : undefined,
  ),
  ...readersOf(PHRASINGS.polite, ({ verb, thing }, format) => ({ kind: "polite", verb: verb!, thing: thing!, format })),
];

function readOddOneOut(group: string, words: string[], format: Format): Task | undefined {
  const odd = words.filter((word) => THINGS.has(word) && THINGS.get(word)!.group !== group);
  return VALUES.group.includes(group) && odd.length === 1 ? { kind: "odd-one-out", group, words, format } : undefined;
}

function readersOf(phrasings: readonly string[], build: Reader["build"]): Reader[] {
  return phrasings.map((phrasing) => ({ pattern: patternOf(phrasing), build }));
}

function patternOf(phrasing: string): RegExp {
  const escaped = phrasing.replace(/[.?]/g, "\\$&").replace(/\{(\w+)\}/g, (_, slot: string) => SLOT_PATTERNS[slot]!);
  return new RegExp(`^${escaped}$`);
}
