/** A judge's rating or reply that does not say what was asked for; `raw` is what it said. */
export class RatingParseError extends Error {
  readonly code = "ERATING";
  readonly raw: string;

  constructor(message: string, raw: string) {
    super(message);
    this.name = "RatingParseError";
    this.raw = raw;
  }
}

/**
 * An aspect's rating: an integer from 1 to `max`, or "N/A". `4/5` and `4 out of 5` are 4 when 5 is the top of the scale.
 * Throws a `RatingParseError` for everything else: `4.5`, `between 3 and 4`, `10`, `0`, `five`, `4/10`.
 *
 * @example parseAspectRating("4 out of 5") // 4
 */
export function parseAspectRating(text: string, max = 5): number | "N/A" {
  const bare = undecorated(text);
  if (/^n\/a$/i.test(bare)) return "N/A";
  const value = ratio(bare, max, text);
  if (!Number.isInteger(value))
    throw new RatingParseError(`parseAspectRating: ${quoted(text)} is no whole number from 1 to ${max}`, text);
  return inRange(value, max, text, "parseAspectRating");
}

/**
 * An overall score: a number from 1 to 10, `8.5` allowed; `7/10` and `7 out of 10` are 7.
 * Throws a `RatingParseError` for everything else, "N/A" included.
 */
export function parseOverallScore(text: string): number {
  return inRange(ratio(undecorated(text), 10, text), 10, text, "parseOverallScore");
}

/** Without Markdown emphasis, brackets, a full stop, or a comment in parentheses that holds no digit. */
function undecorated(text: string): string {
  let bare = text.trim().replace(/\s*\([^()\d]*\)\.?$/, "");
  for (const [open, close] of [
    ["**", "**"],
    ["*", "*"],
    ["`", "`"],
    ["[", "]"],
    ["(", ")"],
    ['"', '"'],
    ["<", ">"],
  ] as const) {
    if (bare.length > open.length + close.length && bare.startsWith(open) && bare.endsWith(close))
      bare = bare.slice(open.length, -close.length).trim();
  }
  return bare.replace(/\.$/, "").trim();
}

/** "4", "4/5" or "4 out of 5"; the number after the stroke must be the top of the scale. */
function ratio(bare: string, max: number, raw: string): number {
  const match = /^(0|[1-9][0-9]{0,2})(\.[0-9]{1,4})?(?:\s*(?:\/|out of)\s*([1-9][0-9]{0,2})(?:\.0)?)?$/i.exec(bare);
  if (match === null) throw new RatingParseError(`parseRating: ${quoted(raw)} is no single number`, raw);
  const [, whole, fraction = "", scale] = match;
  if (scale !== undefined && Number(scale) !== max)
    throw new RatingParseError(`parseRating: ${quoted(raw)} is out of ${scale}, the scale ends at ${max}`, raw);
  return Number(whole + fraction);
}

function inRange(value: number, max: number, raw: string, where: string): number {
  if (value < 1 || value > max) throw new RatingParseError(`${where}: ${quoted(raw)} is outside 1 to ${max}`, raw);
  return value;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
