import type { Random } from "../src/random.ts";

/** Bytes on which parsers turn. */
const TURNING_BYTES = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x5b, 0x5d, 0x7b, 0x7d, 0x5c, 0x0a, 0x0d, 0x2c, 0x3a];

/** Pieces that a hostile or careless writer leaves in a text. */
const PIECES = [
  "\ufeff",
  "\r\n",
  "\n\n\n",
  "\0",
  "null",
  "1e999",
  "-0",
  "9007199254740993",
  '"__proto__":{"a":1},',
  '"constructor":null,',
  '"id":"row-1",',
  "\\ud800",
  "\\u0000",
  "[".repeat(2000),
  '{"a":'.repeat(300),
  "\u2028",
].map((piece) => Buffer.from(piece));
/** Bytes that are no UTF-8: a lone continuation, an overlong slash, half a surrogate, a cut sequence. */
const NO_TEXT = [[0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98]].map((bytes) => Buffer.from(bytes));

const EDITS = 9;

/**
 * One to three random edits of a seed input. `tail` is how many of the last bytes every second edit falls into: where a format keeps its
 * index, which a few edits spread over the whole file would seldom meet.
 */
export function mutate(seed: Uint8Array, random: Random, tail = 0): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(seed);
  for (let edits = 1 + random.integer(3); edits > 0 && bytes.length > 0; edits--) {
    const inTail = tail > 0 && tail < bytes.length && random.integer(2) === 0;
    const at = inTail ? bytes.length - 1 - random.integer(tail) : random.integer(bytes.length);
    bytes = edit(bytes, at, random);
  }
  return bytes;
}

function edit(bytes: Uint8Array, at: number, random: Random): Uint8Array {
  const kind = random.integer(EDITS);
  if (kind === 0) bytes[at] = random.integer(256);
  else if (kind === 1) bytes[at] = TURNING_BYTES[random.integer(TURNING_BYTES.length)]!;
  else if (kind === 2) bytes[at] = bytes[at]! ^ (1 << random.integer(8));
  else if (kind === 3) bytes.fill(0xff, at, Math.min(bytes.length, at + 1 + random.integer(8)));
  else if (kind === 4) bytes.fill(0, at, Math.min(bytes.length, at + 1 + random.integer(8)));
  else if (kind === 5) return bytes.subarray(0, at);
  else if (kind === 6) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.integer(bytes.length))]);
  else {
    const pieces = kind === 7 ? PIECES : NO_TEXT;
    return Buffer.concat([bytes.subarray(0, at), pieces[random.integer(pieces.length)]!, bytes.subarray(at)]);
  }
  return bytes;
}

/** The bytes in chunks of random sizes, so that every cut between chunks occurs. */
export async function* chunked(bytes: Uint8Array, random: Random): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random.integer(400);
    yield bytes.subarray(at, end);
    at = end;
  }
}
