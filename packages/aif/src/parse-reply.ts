import { parseAspectRating, parseOverallScore, RatingParseError } from "./parse-rating.ts";

/** One text's verdict in a judge's reply. */
export interface Verdict {
  rating: number | "N/A";
  rationale: string;
  type?: string[];
}

/**
 * The verdicts on texts 1 to `count`, in that order, from JSON or from the text format (`#### Output for Text n`, `Rating:`,
 * `Rationale:`; the last marker of each counts). Throws a `RatingParseError` when a text is missing, added or rated out of scale.
 */
export function parseListwiseReply(reply: string, count: number, max = 5): Verdict[] {
  const json = parseJsonReply(reply);
  const sections = json === undefined ? textSections(reply) : jsonSections(json, reply);
  const missing = range(count).filter((n) => !sections.has(n));
  const added = [...sections.keys()].filter((n) => n < 1 || n > count);
  if (missing.length > 0 || added.length > 0) {
    const what = [
      missing.length > 0 ? `nothing on text ${missing.join(", ")}` : "",
      added.length > 0 ? `a text ${added.join(", ")}` : "",
    ]
      .filter(Boolean)
      .join(" and ");
    throw new RatingParseError(
      `parseListwiseReply: the reply has ${what}; ${count} text${count === 1 ? " was" : "s were"} shown`,
      reply,
    );
  }
  return range(count).map((n) => verdict(sections.get(n)!, n, max, reply));
}

/**
 * The better one of two texts, after the last `Winner:`: the winner's verdict is the top of the scale, the loser's 1, a tie's the
 * middle, so that the mean over all comparisons is the share of wins put on the scale. Throws a `RatingParseError` otherwise.
 */
export function parsePairwiseReply(reply: string, top: number): [Verdict, Verdict] {
  const json = parseJsonReply(reply);
  const marker = [...reply.matchAll(/^[\s>#*_-]*winner[*_]*\s*:[*_]*[ \t]*(.*)$/gim)].at(-1);
  const said = json === undefined ? marker?.[1] : text(field(json, "winner"));
  const match = /^[*_`"[(]*(?:text\s*)?(1|2|tie)[*_`"\])]*\.?$/i.exec(said?.trim() ?? "");
  if (match === null)
    throw new RatingParseError(
      `parsePairwiseReply: the reply's winner is ${JSON.stringify(said ?? "missing")}; it must be 1, 2 or tie`,
      reply,
    );
  const rationale =
    json === undefined
      ? reply
          .slice(0, marker!.index)
          .replace(/^[\s#*]*rationale[*\s]*:[*]*/i, "")
          .trim()
      : text(field(json, "rationale"));
  const winner = match[1]!.toLowerCase();
  const rating = (n: string): number => (winner === "tie" ? (1 + top) / 2 : winner === n ? top : 1);
  return [
    { rating: rating("1"), rationale },
    { rating: rating("2"), rationale },
  ];
}

/** The critique and the overall score, which stands after the last `Overall Score:`; throws a `RatingParseError` without one. */
export function parseCritiqueReply(reply: string): { critique: string; overallScore: number } {
  const json = parseJsonReply(reply);
  if (json !== undefined) {
    const score = field(json, "overall_score");
    if (score === undefined) throw new RatingParseError("parseCritiqueReply: the JSON has no overall_score", reply);
    return { critique: text(field(json, "critique")), overallScore: withRaw(reply, () => parseOverallScore(text(score))) };
  }
  const markers = [...reply.matchAll(/^[\s>#*_]*(?:\d+[.)]\s*)?[*_]*overall score[*_]*\s*:[*_]*[ \t]*(.*)$/gim)];
  const last = markers.at(-1);
  if (last === undefined) throw new RatingParseError('parseCritiqueReply: the reply has no line "Overall Score:"', reply);
  const value = last[1]!.trim() === "" ? (nextLine(reply, last.index + last[0].length) ?? "") : last[1]!;
  const critique = reply
    .slice(0, last.index)
    .replace(/^[\s#*]*critique[*\s]*:[*]*/i, "")
    .trim();
  return { critique, overallScore: withRaw(reply, () => parseOverallScore(value)) };
}

interface Section {
  rating: string | undefined;
  rationale: string;
  type: string[] | undefined;
}

function verdict({ rating, rationale, type }: Section, n: number, max: number, reply: string): Verdict {
  if (rating === undefined) throw new RatingParseError(`parseListwiseReply: text ${n} has no "Rating:"`, reply);
  const value = withRaw(reply, () => parseAspectRating(rating, max), `text ${n}: `);
  return { rating: value, rationale, ...(type === undefined ? {} : { type }) };
}

function textSections(reply: string): Map<number, Section> {
  const markers = [...reply.matchAll(/^[\s>#*_]*output for text\s*(\d+)[ \t]*[:.]?[*_]*[ \t]*$/gim)];
  if (markers.length === 0)
    throw new RatingParseError('parseListwiseReply: the reply has no line "#### Output for Text 1"', reply);
  const sections = new Map<number, Section>();
  for (const [i, marker] of markers.entries()) {
    const body = reply.slice(marker.index + marker[0].length, markers[i + 1]?.index);
    sections.set(Number(marker[1]), textSection(body));
  }
  return sections;
}

const FIELD = /^[\s>#*_-]*(rating|rationale|type)[*_]*\s*:[*_]*[ \t]*/gim;

function textSection(body: string): Section {
  const section: Section = { rating: undefined, rationale: "", type: undefined };
  const fields = [...body.matchAll(FIELD)];
  for (const [i, match] of fields.entries()) {
    const value = body.slice(match.index + match[0].length, fields[i + 1]?.index).trim();
    const name = match[1]!.toLowerCase();
    if (name === "rating") section.rating = value.split(/\r?\n/)[0]!;
    else if (name === "rationale") section.rationale = value;
    else section.type = typeList(value.split(/\r?\n/)[0]!);
  }
  return section;
}

/** "1, 3" or "[1, 3]" as a list; "None" is the empty one. */
function typeList(value: string): string[] {
  const bare = value.replace(/[[\]*`"']/g, "").trim();
  return /^(none|n\/a)?\.?$/i.test(bare) ? [] : bare.split(/\s*,\s*/);
}

function jsonSections(json: unknown, reply: string): Map<number, Section> {
  const list = Array.isArray(json) ? json : field(json, "texts");
  if (!Array.isArray(list)) throw new RatingParseError('parseListwiseReply: the JSON has no list "texts"', reply);
  const sections = new Map<number, Section>();
  for (const [i, item] of list.entries()) {
    const n = field(item, "text") ?? i + 1;
    const type = field(item, "type");
    if (!Number.isInteger(Number(n)) || sections.has(Number(n)))
      throw new RatingParseError(`parseListwiseReply: the JSON rates text ${JSON.stringify(n)} twice or names no text`, reply);
    const rating = field(item, "rating");
    sections.set(Number(n), {
      rating: rating === undefined ? undefined : text(rating),
      rationale: text(field(item, "rationale")),
      type: Array.isArray(type) ? type.map(text) : undefined,
    });
  }
  return sections;
}

/** The reply as JSON if it is meant to be JSON (also inside a code fence); broken JSON is an error, never repaired. */
function parseJsonReply(reply: string): unknown {
  const bare = reply.trim().replace(/^```(?:json)?\s*([\s\S]*?)\s*```$/i, "$1");
  if (!/^[{[]\s*["{\]}]/.test(bare)) return undefined;
  try {
    return JSON.parse(bare);
  } catch (cause) {
    throw new RatingParseError(`parseReply: the reply looks like JSON but is none (${(cause as Error).message})`, reply);
  }
}

/** A rating's error keeps the whole reply. */
function withRaw<T>(reply: string, parse: () => T, place = ""): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RatingParseError) throw new RatingParseError(place + error.message, reply);
    throw error;
  }
}

function nextLine(reply: string, from: number): string | undefined {
  return reply
    .slice(from)
    .split(/\r?\n/)
    .map((line) => line.trim())
    .find((line) => line !== "");
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function text(value: unknown): string {
  return typeof value === "string" ? value.trim() : value === undefined || value === null ? "" : JSON.stringify(value);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
