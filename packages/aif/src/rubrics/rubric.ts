/** One side of an answer that is rated on its own. */
export interface Aspect {
  /** What the judge has to look at. */
  instructions: string;
  /** What each rating means, by rating from "1" up. */
  scale: Record<string, string>;
  /** listwise: all answers in one call; single: each alone; pairwise: every two, in both orders. */
  output: "listwise" | "single" | "pairwise";
  /** Numbered defects that the judge may name in `Type:`. */
  types?: Record<string, string> | undefined;
  /** Whether the reference answers of a row (`correct_answers`, `incorrect_answers`) are shown. */
  worldKnowledge?: boolean | undefined;
}

/** What a judge is asked about each row: aspects, and a critique with an overall score from 1 to 10. */
export interface Rubric {
  name: string;
  aspects: Record<string, Aspect>;
  critique: { instructions: string } | null;
}

/** The highest rating of an aspect. */
export function topOf({ scale }: Aspect): number {
  return Object.keys(scale).length;
}

/**
 * Checks a rubric that came from a file: `{name?, aspects: {NAME: {instructions, scale, output?}}, critique?}`, or the aspects
 * alone. Throws a TypeError that names the aspect and the field.
 */
export function checkRubric(value: unknown, where: string): Rubric {
  if (!isRecord(value)) throw new TypeError(`${where}: a rubric is an object of aspects, not ${JSON.stringify(value)}`);
  const table = value["aspects"] ?? value;
  if (!isRecord(table) || Object.keys(table).length === 0) throw new TypeError(`${where}: a rubric needs at least one aspect`);
  const aspects = Object.fromEntries(
    Object.entries(table).map(([name, aspect]) => [name, checkAspect(aspect, `${where}: aspect ${JSON.stringify(name)}`)]),
  );
  const critique = value["aspects"] === undefined ? undefined : value["critique"];
  if (critique !== undefined && critique !== null && !(isRecord(critique) && isText(critique["instructions"]))) {
    throw new TypeError(`${where}: critique needs a text "instructions", or be null`);
  }
  const name = isText(value["name"]) && value["aspects"] !== undefined ? (value["name"] as string) : "custom";
  return { name, aspects, critique: (critique as { instructions: string } | undefined) ?? null };
}

function checkAspect(value: unknown, where: string): Aspect {
  if (!isRecord(value)) throw new TypeError(`${where} is no object with instructions and scale`);
  const { instructions, scale, output = "listwise", types, world_knowledge } = value;
  if (!isText(instructions)) throw new TypeError(`${where} has no text "instructions"`);
  const entries = Array.isArray(scale) ? Object.fromEntries(scale.map((text, i) => [String(i + 1), text])) : scale;
  if (!isRecord(entries)) throw new TypeError(`${where} has no "scale": a text per rating, from 1 up`);
  const ratings = Object.keys(entries)
    .map(Number)
    .sort((a, b) => a - b);
  if (ratings.length < 2 || ratings.some((rating, i) => rating !== i + 1) || !Object.values(entries).every(isText)) {
    throw new TypeError(
      `${where}: scale has ratings ${Object.keys(entries).join(", ")}; it needs a text for each of 1, 2, ... without gaps`,
    );
  }
  if (output !== "listwise" && output !== "single" && output !== "pairwise") {
    throw new TypeError(`${where}: output is ${JSON.stringify(output)}; must be "listwise", "single" or "pairwise"`);
  }
  if (types !== undefined && !(isRecord(types) && Object.values(types).every(isText)))
    throw new TypeError(`${where}: types must be a text per number`);
  return {
    instructions,
    scale: entries as Record<string, string>,
    output,
    ...(types === undefined ? {} : { types: types as Record<string, string> }),
    ...(world_knowledge === true ? { worldKnowledge: true } : {}),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "";
}
