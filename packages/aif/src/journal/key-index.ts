/**
 * Two numbers per key, a position and a 32-bit mark above 0: an open-addressing table over typed arrays, 20 bytes a slot,
 * since a run has about a million requests. Keys are sha256 in hex, of which 64 bits are kept.
 */
export interface KeyIndex {
  size(): number;
  set(key: string, position: number, mark: number): void;
  get(key: string): { position: number; mark: number } | undefined;
}

/** Of 256 parts that grow each on its own no old one is large: a table in one piece takes half as much again while it is copied. */
const PARTS = 256;
const FIRST_SLOTS = 16;
const GROWTH = 1.25;
const FULL = 0.85;

/** An empty index; at a million keys it takes about 25 MB. */
export function keyIndex(): KeyIndex {
  const parts = Array.from({ length: PARTS }, () => emptyPart(FIRST_SLOTS));
  let size = 0;
  return {
    size: () => size,
    set(key, position, mark) {
      if (!(mark > 0)) throw new RangeError(`keyIndex: mark ${mark} of key ${key}; must be above 0`);
      const high = half(key, 0);
      let part = parts[high % PARTS]!;
      if (part.used >= FULL * part.marks.length) {
        part = grown(part);
        parts[high % PARTS] = part;
      }
      size += put(part, high, half(key, 8), position, mark);
    },
    get(key) {
      const high = half(key, 0);
      const part = parts[high % PARTS]!;
      const slot = slotOf(part, high, half(key, 8));
      return part.marks[slot] === 0 ? undefined : { position: part.positions[slot]!, mark: part.marks[slot]! };
    },
  };
}

interface Part {
  used: number;
  high: Uint32Array;
  low: Uint32Array;
  positions: Float64Array;
  /** [slots] 0 where the slot is free. */
  marks: Uint32Array;
}

function emptyPart(slots: number): Part {
  // One piece of memory for all four: small pieces have a cost of their own.
  const bytes = new ArrayBuffer(20 * slots);
  return {
    used: 0,
    positions: new Float64Array(bytes, 0, slots),
    high: new Uint32Array(bytes, 8 * slots, slots),
    low: new Uint32Array(bytes, 12 * slots, slots),
    marks: new Uint32Array(bytes, 16 * slots, slots),
  };
}

function slotOf({ high, low, marks }: Part, h: number, l: number): number {
  const slots = marks.length;
  // Keys are hashes: their place is their share of the whole range, whatever the number of slots.
  let slot = Math.floor((l / 2 ** 32) * slots);
  while (marks[slot] !== 0 && (high[slot] !== h || low[slot] !== l)) slot = slot + 1 === slots ? 0 : slot + 1;
  return slot;
}

/** Returns how many keys it added: 0 where the key was there. */
function put(part: Part, h: number, l: number, position: number, mark: number): number {
  const slot = slotOf(part, h, l);
  const added = part.marks[slot] === 0 ? 1 : 0;
  part.used += added;
  part.high[slot] = h;
  part.low[slot] = l;
  part.positions[slot] = position;
  part.marks[slot] = mark;
  return added;
}

function grown(old: Part): Part {
  const part = emptyPart(Math.ceil(old.marks.length * GROWTH));
  for (const [slot, mark] of old.marks.entries()) {
    if (mark !== 0) put(part, old.high[slot]!, old.low[slot]!, old.positions[slot]!, mark);
  }
  // Gives the memory back now: what waits for a collection comes to as much as the index itself.
  (old.marks.buffer as TransferableBuffer).transfer(0);
  return part;
}

/** ES2024, which every runtime that we run on has and the language level of the build does not name. */
type TransferableBuffer = ArrayBuffer & { transfer(bytes: number): ArrayBuffer };

function half(key: string, start: number): number {
  return Number.parseInt(key.slice(start, start + 8), 16) >>> 0;
}
