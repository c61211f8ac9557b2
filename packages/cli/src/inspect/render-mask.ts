/** A stretch of a sequence's text, and whether training learns it. */
export interface MaskedPiece {
  text: string;
  learnt: boolean;
}

const GREEN = ["\u001b[32m", "\u001b[39m"] as const;
const DIM = ["\u001b[2m", "\u001b[22m"] as const;

/**
 * A sequence as the model sees it: what is learnt in green and the rest dim, or, without colour, what is learnt in [[double brackets]].
 * Control characters of the data are written out, since a terminal would obey them.
 */
export function renderMask(pieces: readonly MaskedPiece[], colour: boolean): string {
  return pieces
    .map(({ text, learnt }) => {
      const shown = visible(text);
      if (!colour) return learnt ? `[[${shown}]]` : shown;
      const [begin, end] = learnt ? GREEN : DIM;
      return `${begin}${shown}${end}`;
    })
    .join("");
}

/** What the colours or marks mean. */
export const maskLegend = (colour: boolean): string => (colour ? "green is learnt, dim is given" : "[[learnt]] is in brackets");

/** Everything but line breaks and tabs that moves a cursor, changes a colour or turns the direction of writing. */
function visible(text: string): string {
  return text.replace(
    /(?![\n\t])[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (char) => `\\u${char.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
}

/** Whether a stream shows colours: a terminal that is not dumb, unless `NO_COLOR` says no. */
export function showsColour(stream: { isTTY?: boolean | undefined }, env: Record<string, string | undefined>): boolean {
  return stream.isTTY === true && env["TERM"] !== "dumb" && (env["NO_COLOR"] ?? "") === "";
}
