import { words } from "./random-stream.ts";

/**
 * A random order of 0 .. n - 1 for an epoch: the same for the same seed, another for each epoch.
 *
 * Fisher and Yates' shuffle with unbiased draws. Throws `RangeError` for an n that is no whole number from 0 to 2^32 - 1.
 *
 * @example permutation(5, 42, 0) // the rows of epoch 0 in random order
 */
export function permutation(n: number, seed: number, epoch: number): Uint32Array<ArrayBuffer> {
  if (!Number.isInteger(n) || n < 0 || n >= 2 ** 32)
    throw new RangeError(`permutation: n is ${n}; give a whole number from 0 to 2^32 - 1`);
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  const next = words({ seed, stream: `permutation ${epoch}` });
  for (let last = n - 1; last > 0; last--) {
    const other = below(last + 1, next);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** A whole number in [0, bound), each equally likely: words of the incomplete last round are drawn again. */
function below(bound: number, next: () => number): number {
  const whole = 2 ** 32 - (2 ** 32 % bound);
  for (;;) {
    const word = next();
    if (word < whole) return word % bound;
  }
}
