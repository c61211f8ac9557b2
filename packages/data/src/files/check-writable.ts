/** The path (`completions[2].overall_score`) and value of the first thing in a row that JSON would silently change, if any. */
export function unwritable(value: unknown, key = ""): { key: string; problem: string } | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : { key, problem: `is ${value}` };
  if (typeof value === "bigint") return { key, problem: `is the BigInt ${value}` };
  if (typeof value === "function" || typeof value === "symbol") return { key, problem: `is a ${typeof value}` };
  if (typeof value !== "object" || value === null) return undefined;
  if (ArrayBuffer.isView(value)) return { key, problem: `is a ${value.constructor.name}` };
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (value[i] === undefined) return { key: `${key}[${i}]`, problem: "is undefined" };
      const found = unwritable(value[i], `${key}[${i}]`);
      if (found) return found;
    }
    return undefined;
  }
  const entries = Object.entries(value);
  if (entries.length === 0 && (value instanceof Map || value instanceof Set || value instanceof RegExp))
    return { key, problem: `is a ${value.constructor.name}` };
  for (const [name, entry] of entries) {
    const found = unwritable(entry, key ? `${key}.${name}` : name);
    if (found) return found;
  }
  return undefined;
}

/** Throws when writing the row would lose something. */
export function checkWritable(row: object, index: number, path: string, caller: string): void {
  const found = unwritable(row);
  if (!found) return;
  throw new RangeError(
    `${caller}: ${path}: row ${index}: ${found.key} ${found.problem}, which JSON cannot hold; repair the row or leave the key out`,
  );
}
