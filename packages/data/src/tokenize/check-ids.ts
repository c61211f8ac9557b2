/** Refuses a column that is no list of token ids. */
export function checkIds(value: unknown, place: string): number[] {
  if (!Array.isArray(value)) throw new TypeError(`${place}: is not a list of token ids`);
  const bad = value.findIndex((id) => !Number.isInteger(id) || id < 0 || id > 0xffffffff);
  if (bad >= 0) throw new TypeError(`${place}[${bad}]: ${JSON.stringify(value[bad])} is no token id`);
  return value as number[];
}

/** Refuses a column that is no mask of the given length. */
export function checkMask(value: unknown, length: number, place: string): number[] {
  if (!Array.isArray(value) || value.length !== length) {
    throw new TypeError(
      `${place}: ${Array.isArray(value) ? `has ${value.length} entries` : "is no list"}; it must have one entry per token (${length})`,
    );
  }
  const bad = value.findIndex((bit) => bit !== 0 && bit !== 1 && bit !== true && bit !== false);
  if (bad >= 0) throw new TypeError(`${place}[${bad}]: ${JSON.stringify(value[bad])} is neither 0 nor 1`);
  return value.map(Number);
}

export function startsWith(ids: readonly number[], prefix: readonly number[]): boolean {
  return prefix.every((id, i) => ids[i] === id);
}

/** Refuses a maximal length that is no positive whole number. */
export function checkMaxLength(maxLength: number | undefined, caller: string): void {
  if (maxLength === undefined || (Number.isInteger(maxLength) && maxLength > 0)) return;
  throw new RangeError(`${caller}: maxLength is ${maxLength}; it must be a positive whole number of tokens, or left out`);
}

/** The row's other columns: what tokenization has used up need not travel further. */
export function withoutColumns(row: object, columns: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !columns.includes(name)));
}
