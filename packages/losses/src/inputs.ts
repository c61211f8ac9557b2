import type { Dual } from "./arithmetic/operations.ts";

/** An error about what a loss was given; `code` says which rule was broken. */
function inputError(kind: typeof TypeError | typeof RangeError, code: string, message: string): Error {
  return Object.assign(new kind(message), { code });
}

/** Number of entries B of the batch, taken from its first array; throws TypeError when that is missing, RangeError when B is 0. */
export function batchSize(loss: string, name: string, array: ArrayLike<unknown> | undefined): number {
  if (array === undefined) throw missing(loss, name);
  if (array.length === 0) throw inputError(RangeError, "LOSS_EMPTY_BATCH", `${loss}: ${name} is empty; give at least one entry`);
  return array.length;
}

/** Throws RangeError unless every array that was given has the length of the first one. */
export function checkLengths(loss: string, arrays: Readonly<Record<string, ArrayLike<unknown> | undefined>>): void {
  const given = Object.entries(arrays).filter((entry): entry is [string, ArrayLike<unknown>] => entry[1] !== undefined);
  const [firstName, first] = given[0]!;
  for (const [name, array] of given) {
    if (array.length === first.length) continue;
    const sizes = `${firstName} has ${first.length} entries, ${name} has ${array.length}`;
    throw inputError(RangeError, "LOSS_LENGTH_MISMATCH", `${loss}: ${sizes}; all must be [B]`);
  }
}

/** Throws RangeError naming the first entry that is NaN or infinite. */
export function checkFinite(loss: string, name: string, array: ArrayLike<number>): void {
  for (let i = 0; i < array.length; i++) {
    if (Number.isFinite(array[i])) continue;
    throw inputError(RangeError, "LOSS_NOT_FINITE", `${loss}: ${name}[${i}] is ${array[i]}; must be a finite number`);
  }
}

/** Throws RangeError naming the first completion that has no tokens: its average log-probability does not exist. */
export function checkTokenCounts(loss: string, name: string, array: ArrayLike<number>): void {
  for (let i = 0; i < array.length; i++) {
    if (array[i]! > 0) continue;
    const message = `${loss}: ${name}[${i}] is ${array[i]}; this loss averages over tokens, so drop pairs with an empty completion`;
    throw inputError(RangeError, "LOSS_EMPTY_COMPLETION", message);
  }
}

export function missing(loss: string, name: string): Error {
  return inputError(
    TypeError,
    "LOSS_INPUT_MISSING",
    `${loss}: ${name} is missing, but this loss reads it; give a Float64Array [B]`,
  );
}

export function unsupported(message: string): Error {
  return inputError(TypeError, "LOSS_INPUT_UNSUPPORTED", message);
}

/** A number held constant. */
export const constant = (value: number): Dual => [value, 0, 0];
