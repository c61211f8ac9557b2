import { ATTRIBUTES, type Attribute, FAMILIAR_INVENTED_NAMES, INVENTED_NAMES, OPPOSITES, THINGS, VALUES } from "./knowledge.ts";
import { POLITE_VERBS } from "./phrasings.ts";
import type { Random } from "./random.ts";
import type { Format, Kind, Task } from "./task.ts";

/** How often each kind of question is asked. */
export const KIND_WEIGHTS: Readonly<Record<Kind, number>> = {
  attribute: 0.44,
  "yes-no": 0.14,
  unknown: 0.09,
  opposite: 0.06,
  sum: 0.05,
  copy: 0.02,
  reverse: 0.02,
  first: 0.02,
  last: 0.02,
  count: 0.03,
  "odd-one-out": 0.03,
  sentence: 0.03,
  polite: 0.04,
};

/** How often a question leaves the form of its answer open. */
const FREE_RATE = 0.7;

const NAMES = [...THINGS.keys()];

/** Draws a task; `familiar` keeps to the invented names that the teacher's dialogues may hold. */
export function drawTask(
  random: Random,
  { familiar, kind = random.weighted(KIND_WEIGHTS) }: { familiar: boolean; kind?: Kind },
): Task {
  switch (kind) {
    case "attribute":
      return drawAttributeTask(random.pick(NAMES), random);
    case "yes-no":
      return drawYesNo(random);
    case "unknown": {
      const names = familiar ? INVENTED_NAMES.slice(0, FAMILIAR_INVENTED_NAMES) : INVENTED_NAMES;
      return { kind, name: random.pick(names), attribute: random.pick(ATTRIBUTES), format: "free" };
    }
    case "opposite":
      return { kind, word: random.pick([...OPPOSITES.keys()]), format: drawFormat(random, ["one-word", "sentence"]) };
    case "sum":
      return {
        kind,
        left: 1 + random.below(5),
        right: 1 + random.below(5),
        format: drawFormat(random, ["one-word", "sentence"]),
      };
    case "copy":
    case "reverse":
      return { kind, words: random.sample(NAMES, 2 + random.below(2)), format: drawFormat(random, ["list"]) };
    case "first":
    case "last":
    case "count":
      return { kind, words: random.sample(NAMES, 2 + random.below(kind === "count" ? 3 : 2)), format: "free" };
    case "odd-one-out":
      return drawOddOneOut(random);
    case "sentence":
      return { kind, thing: random.pick(NAMES), format: "free" };
    case "polite":
      return { kind, verb: random.pick(POLITE_VERBS), thing: random.pick(NAMES), format: "free" };
  }
}

/** A question about one attribute of a thing that has it. */
export function drawAttributeTask(thing: string, random: Random): Task & { kind: "attribute" } {
  const attribute = random.pick(attributesOf(thing));
  const formats: Format[] = ["one-word", "sentence"];
  if (attribute === "colour" || attribute === "size") formats.push("capitals");
  return { kind: "attribute", thing, attribute, format: drawFormat(random, formats) };
}

/** The attributes that a thing has: all but the sound, which only animals make. */
export function attributesOf(thing: string): Attribute[] {
  const known = THINGS.get(thing)!;
  return ATTRIBUTES.filter((attribute) => known[attribute] !== undefined);
}

function drawYesNo(random: Random): Task {
  const thing = random.pick(NAMES);
  const attribute = random.pick(attributesOf(thing));
  const right = THINGS.get(thing)![attribute]!;
  const value = random.next() < 0.5 ? right : random.pick(VALUES[attribute]);
  return { kind: "yes-no", thing, attribute, value, format: drawFormat(random, ["sentence"]) };
}

function drawOddOneOut(random: Random): Task {
  const group = random.pick(VALUES.group);
  const inside = NAMES.filter((name) => THINGS.get(name)!.group === group);
  const outside = NAMES.filter((name) => THINGS.get(name)!.group !== group);
  const words = random.sample(inside, 2).toSpliced(random.below(3), 0, random.pick(outside));
  return { kind: "odd-one-out", group, words, format: "free" };
}

function drawFormat(random: Random, formats: readonly Format[]): Format {
  return random.next() < FREE_RATE ? "free" : random.pick(formats);
}
