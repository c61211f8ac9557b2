const DEEPEST = 32;

/** Reads a varint of at most ten bytes; returns its value (exact below 2^53) and where it ends. */
export function varint(bytes: Uint8Array, at: number): { value: number; end: number } {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) throw new RangeError("a number runs past the end");
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: at + i + 1 };
  }
  throw new RangeError("a number is longer than ten bytes");
}

function need(bytes: Uint8Array, end: number): number {
  if (end > bytes.length) throw new RangeError("a field runs past the end");
  return end;
}

function skipField(bytes: Uint8Array, at: number, type: number, depth: number): number {
  if (type === 1 || type === 2) return at;
  if (type === 3) return need(bytes, at + 1);
  if (type >= 4 && type <= 6) return varint(bytes, at).end;
  if (type === 7) return need(bytes, at + 8);
  if (type === 8) {
    const { value, end } = varint(bytes, at);
    return need(bytes, end + value);
  }
  if (type === 9) return skipList(bytes, at, depth);
  if (type === 12) return structEnd(bytes, at, depth + 1);
  throw new RangeError(`a field has the unknown type ${type}`);
}

function skipList(bytes: Uint8Array, at: number, depth: number): number {
  need(bytes, at + 1);
  const type = bytes[at]! & 15;
  const short = bytes[at]! >> 4;
  const { value: size, end } = short < 15 ? { value: short, end: at + 1 } : varint(bytes, at + 1);
  if (size > bytes.length - end) throw new RangeError(`a list claims ${size} entries in ${bytes.length - end} bytes`);
  let next = end;
  // In a list a boolean has a byte of its own; as a field it is its type.
  for (let i = 0; i < size; i++) next = type === 1 || type === 2 ? need(bytes, next + 1) : skipField(bytes, next, type, depth);
  return next;
}

/**
 * Where a Thrift compact struct ends. Checks every length against the bytes there are, which the decoder behind it trusts, so that
 * no list is allocated by a lying number.
 */
export function structEnd(bytes: Uint8Array, at: number, depth = 0): number {
  if (depth > DEEPEST) throw new RangeError(`structs are nested deeper than ${DEEPEST}`);
  let next = at;
  for (;;) {
    const head = bytes[next];
    if (head === undefined) throw new RangeError("a struct has no end");
    next++;
    if ((head & 15) === 0) return next;
    if (head >> 4 === 0) next = varint(bytes, next).end;
    next = skipField(bytes, next, head & 15, depth);
  }
}
