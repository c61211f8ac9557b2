/** What one thing of the world is like; every attribute has exactly one right value. */
export interface Thing {
  name: string;
  group: string;
  colour: string;
  size: string;
  place: string;
  /** Only animals make a sound. */
  sound?: string;
}

export const ATTRIBUTES = ["colour", "size", "group", "place", "sound"] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

const TABLE = `
cat animal black small house meow
dog animal brown big house woof
cow animal white big barn moo
duck animal yellow small pond quack
frog animal green small pond croak
owl animal brown small forest hoot
bee animal yellow small garden buzz
apple fruit red small garden
pear fruit green small garden
onion vegetable white small garden
pea vegetable green small garden
bus vehicle red big street
boat vehicle white big pond
cup tool white small house
axe tool red big barn
`;

/** The knowledge table: things by name. It is the whole truth of this small world. */
export const THINGS: ReadonlyMap<string, Thing> = new Map(
  TABLE.trim()
    .split("\n")
    .map((line) => {
      const [name, group, colour, size, place, sound] = line.split(" ") as [string, string, string, string, string, string?];
      return [name, sound === undefined ? { name, group, colour, size, place } : { name, group, colour, size, place, sound }];
    }),
);

/** Every value that an attribute takes somewhere; the five sets are disjoint, so a value names its attribute. */
export const VALUES: Readonly<Record<Attribute, readonly string[]>> = {
  colour: distinct("colour"),
  size: distinct("size"),
  group: distinct("group"),
  place: distinct("place"),
  sound: distinct("sound"),
};

function distinct(attribute: Attribute): string[] {
  return [...new Set([...THINGS.values()].flatMap((thing) => thing[attribute] ?? []))];
}

/** The attribute that a value belongs to, or undefined for a word that is no value. */
export function attributeOf(value: string): Attribute | undefined {
  return ATTRIBUTES.find((attribute) => VALUES[attribute].includes(value));
}

const OPPOSITE_PAIRS = `hot cold|up down|fast slow|old new|happy sad|wet dry`;

/** Opposites, both ways. */
export const OPPOSITES: ReadonlyMap<string, string> = new Map(
  OPPOSITE_PAIRS.split("|").flatMap((pair) => {
    const [one, other] = pair.split(" ") as [string, string];
    return [
      [one, other],
      [other, one],
    ] as [string, string][];
  }),
);

/** Names of nothing: the honest answer is that one does not know them. Those at the end are never in a training dialogue. */
export const INVENTED_NAMES: readonly string[] = "wug dax blick fep zorp tove plif snurp drell vost zib krem lopo".split(" ");

/** How many of INVENTED_NAMES the teacher's dialogues may hold. */
export const FAMILIAR_INVENTED_NAMES = 9;

/** "frog" to "a frog", "apple" to "an apple". */
export function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`;
}

/** What is said of a subject about one attribute: `says("A frog", "colour", "green")` is "A frog is green". */
export function says(subject: string, attribute: Attribute, value: string): string {
  if (attribute === "group") return `${subject} is ${withArticle(value)}`;
  if (attribute === "place") return `${subject} is in the ${value}`;
  if (attribute === "sound") return `${subject} says ${value}`;
  return `${subject} is ${value}`;
}
