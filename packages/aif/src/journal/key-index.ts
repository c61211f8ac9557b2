/**
 * Two numbers per key, a position and a 32-bit mark above 0: an open-addressing table over typed arrays, 20 bytes a slot,
 * since a run has about a million requests. Keys are sha256 in hex, of which 64 bits are kept.
 */
export interface KeyIndex {
  size(): number;
  set(key: string, position: number, mark: number): void;
  get(key: string): { position: number; mark: number } | undefined;
}

export function keyIndex(): KeyIndex {
  let capacity = 1024;
  let high = new Uint32Array(capacity);
  let low = new Uint32Array(capacity);
  let positions = new Float64Array(capacity);
  let marks = new Uint32Array(capacity);
  let size = 0;

  function slotOf(h: number, l: number): number {
    let slot = l & (capacity - 1);
    while (marks[slot] !== 0 && (high[slot] !== h || low[slot] !== l)) slot = (slot + 1) & (capacity - 1);
    return slot;
  }

  function put(h: number, l: number, position: number, mark: number): void {
    const slot = slotOf(h, l);
    if (marks[slot] === 0) size++;
    high[slot] = h;
    low[slot] = l;
    positions[slot] = position;
    marks[slot] = mark;
  }

  function grow(): void {
    const old = { high, low, positions, marks };
    capacity *= 2;
    high = new Uint32Array(capacity);
    low = new Uint32Array(capacity);
    positions = new Float64Array(capacity);
    marks = new Uint32Array(capacity);
    size = 0;
    for (let i = 0; i < old.marks.length; i++) {
      if (old.marks[i] !== 0) put(old.high[i]!, old.low[i]!, old.positions[i]!, old.marks[i]!);
    }
  }

  return {
    size: () => size,
    set(key, position, mark) {
      if (!(mark > 0)) throw new RangeError(`keyIndex: mark ${mark} of key ${key}; must be above 0`);
      if (size * 2 >= capacity) grow();
      put(half(key, 0), half(key, 8), position, mark);
    },
    get(key) {
      const slot = slotOf(half(key, 0), half(key, 8));
      return marks[slot] === 0 ? undefined : { position: positions[slot]!, mark: marks[slot]! };
    },
  };
}

function half(key: string, start: number): number {
  return Number.parseInt(key.slice(start, start + 8), 16) >>> 0;
}
