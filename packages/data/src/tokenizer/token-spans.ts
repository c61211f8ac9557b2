/** What of a tokenizer.json decides how its tokens spell text. */
export interface Spelling {
  byteLevel: boolean;
  normalization: ("NFC" | "NFD" | "NFKC" | "NFKD")[];
  addedTokens: Set<string>;
}

interface Component {
  type?: string;
  decoders?: Component[];
  normalizers?: Component[];
}

function components(component: Component | null | undefined): Component[] {
  if (!component) return [];
  return [component, ...(component.decoders ?? []).flatMap(components), ...(component.normalizers ?? []).flatMap(components)];
}

export function spellingOf(tokenizerJson: {
  decoder?: Component | null;
  normalizer?: Component | null;
  added_tokens?: { content: string }[];
}): Spelling {
  const forms = ["NFC", "NFD", "NFKC", "NFKD"] as const;
  return {
    byteLevel: components(tokenizerJson.decoder).some(({ type }) => type === "ByteLevel"),
    normalization: components(tokenizerJson.normalizer).flatMap(({ type }) => forms.filter((form) => form === type)),
    addedTokens: new Set((tokenizerJson.added_tokens ?? []).map(({ content }) => content)),
  };
}

/** GPT-2's alphabet: printable Latin-1 characters stand for their own byte, the others for 256, 257, ... in order. */
const BYTE_OF_CHARACTER = new Map<string, number>();
for (let byte = 0, next = 256; byte < 256; byte++) {
  const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  BYTE_OF_CHARACTER.set(String.fromCharCode(printable ? byte : next++), byte);
}

const encoder = new TextEncoder();

/** The bytes a token stands for. */
function surface(token: string, { byteLevel, addedTokens }: Spelling): Uint8Array {
  if (addedTokens.has(token)) return encoder.encode(token);
  if (byteLevel) return Uint8Array.from(token, (character) => BYTE_OF_CHARACTER.get(character) ?? 0xff);
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
  return byte ? Uint8Array.of(Number.parseInt(byte[1]!, 16)) : encoder.encode(token.replaceAll("\u2581", " "));
}

function matches(text: Uint8Array, at: number, piece: Uint8Array): boolean {
  return piece.length > 0 && piece.every((byte, i) => text[at + i] === byte);
}

/**
 * Which tokens hold something of the spans: 1 for a token with at least one byte inside. The tokens are laid along the text byte by
 * byte and must spell it whole.
 *
 * @param pieces the text, cut where spans begin and end: every odd piece is a span
 * @throws Error when the tokens do not spell the text, as with a tokenizer that lower-cases.
 */
export function maskOfSpans(tokens: string[], pieces: string[], spelling: Spelling): number[] {
  const normal = pieces.map((piece) => spelling.normalization.reduce((text, form) => text.normalize(form), piece));
  const text = encoder.encode(normal.join(""));
  const inside = new Uint8Array(text.length);
  let at = 0;
  for (const [i, piece] of normal.entries()) {
    const end = at + encoder.encode(piece).length;
    if (i % 2 === 1) inside.fill(1, at, end);
    at = end;
  }
  at = 0;
  const mask = tokens.map((token) => {
    let piece = surface(token, spelling);
    // Tokenizers of the SentencePiece kind put a space before the text, and some added tokens swallow the spaces around them.
    if (!matches(text, at, piece) && piece[0] === 32) piece = piece.subarray(1);
    while (piece.length > 0 && !matches(text, at, piece) && text[at] === 32) at++;
    if (piece.length > 0 && !matches(text, at, piece)) {
      throw new Error(
        `assistantMask: token ${JSON.stringify(token)} does not spell the text at byte ${at}; this tokenizer changes the text, so no mask can be laid over it`,
      );
    }
    const end = at + piece.length;
    const hit = inside.subarray(at, end).includes(1) ? 1 : 0;
    at = end;
    return hit;
  });
  if (text.subarray(at).some((byte) => byte !== 32)) {
    throw new Error(
      `assistantMask: the tokens spell ${at} of ${text.length} bytes; this tokenizer changes the text, so no mask can be laid over it`,
    );
  }
  return mask;
}
