const rawJson = (JSON as { rawJSON?: (text: string) => object }).rawJSON;

/** A text as JSON writes it, quotes included, that is moved to another place without being decoded. */
export class RawText {
  readonly #raw: string;
  /** Escapes of two characters; -1 where there are others, which another writer may spell otherwise. */
  #escapes: number | undefined;

  constructor(raw: string) {
    this.#raw = raw;
  }

  /** In UTF-16 units, decoded. */
  get length(): number {
    const escapes = this.#countEscapes();
    return escapes < 0 ? this.toString().length : this.#raw.length - 2 - escapes;
  }

  /** Decoded; throws a SyntaxError where the raw text is no JSON. */
  toString(): string {
    return JSON.parse(this.#raw) as string;
  }

  /** What `JSON.stringify` writes as the text it would write for the decoded one. */
  toJSON(): unknown {
    return rawJson === undefined || this.#countEscapes() < 0 ? this.toString() : rawJson(this.#raw);
  }

  #countEscapes(): number {
    this.#escapes ??= countShortEscapes(this.#raw);
    return this.#escapes;
  }
}

function countShortEscapes(raw: string): number {
  let count = 0;
  for (let at = raw.indexOf("\\"); at >= 0; at = raw.indexOf("\\", at + 2)) {
    const escaped = raw[at + 1];
    if (escaped === "u" || escaped === "/") return -1;
    count++;
  }
  return count;
}

/** The columns of an output row that hold messages, or a message's text. */
const TEXT_COLUMNS = ["prompt", "chosen", "rejected", "messages", "completion", "completions"];

/** A row with its texts decoded. */
export function decodedRow(row: Record<string, unknown>): Record<string, unknown> {
  for (const column of TEXT_COLUMNS) if (column in row) row[column] = decoded(row[column]);
  return row;
}

function decoded(value: unknown): unknown {
  if (value instanceof RawText) return String(value);
  if (Array.isArray(value)) return value.map(decoded);
  if (typeof value === "object" && value !== null && "content" in value) return { ...value, content: decoded(value.content) };
  return value;
}
