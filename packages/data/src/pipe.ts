import type { Rows, Transform } from "./rows.ts";

/**
 * Makes a transform out of an async generator function, so that every iteration of the result runs the generator afresh
 * and a second epoch sees the same rows.
 *
 * @example
 * const upper = transform(async function* (rows: AsyncIterable<{ text: string }>) {
 *   for await (const row of rows) yield { ...row, text: row.text.toUpperCase() };
 * });
 */
export function transform<A, B>(run: (rows: AsyncIterable<A>) => AsyncIterable<B>): Transform<A, B> {
  return (rows) => ({ [Symbol.asyncIterator]: () => run(rows)[Symbol.asyncIterator]() });
}

/**
 * Runs rows through stages, left to right; nothing happens before the result is iterated.
 *
 * @example
 * const pairs = pipe(readRows<PreferenceRow>("pairs.jsonl"), takeRows(100), tokenizePreferences(tokenizer, { maxLength: 1024 }));
 */
export function pipe<A>(rows: A): A;
export function pipe<A, B>(rows: A, f1: (rows: A) => B): B;
export function pipe<A, B, C>(rows: A, f1: (rows: A) => B, f2: (rows: B) => C): C;
export function pipe<A, B, C, D>(rows: A, f1: (rows: A) => B, f2: (rows: B) => C, f3: (rows: C) => D): D;
export function pipe<A, B, C, D, E>(rows: A, f1: (rows: A) => B, f2: (rows: B) => C, f3: (rows: C) => D, f4: (rows: D) => E): E;
export function pipe<A, B, C, D, E, F>(
  rows: A,
  f1: (rows: A) => B,
  f2: (rows: B) => C,
  f3: (rows: C) => D,
  f4: (rows: D) => E,
  f5: (rows: E) => F,
): F;
export function pipe<A, B, C, D, E, F, G>(
  rows: A,
  f1: (rows: A) => B,
  f2: (rows: B) => C,
  f3: (rows: C) => D,
  f4: (rows: D) => E,
  f5: (rows: E) => F,
  f6: (rows: F) => G,
): G;
export function pipe<A, B, C, D, E, F, G, H>(
  rows: A,
  f1: (rows: A) => B,
  f2: (rows: B) => C,
  f3: (rows: C) => D,
  f4: (rows: D) => E,
  f5: (rows: E) => F,
  f6: (rows: F) => G,
  f7: (rows: G) => H,
): H;
export function pipe<A, B, C, D, E, F, G, H, I>(
  rows: A,
  f1: (rows: A) => B,
  f2: (rows: B) => C,
  f3: (rows: C) => D,
  f4: (rows: D) => E,
  f5: (rows: E) => F,
  f6: (rows: F) => G,
  f7: (rows: G) => H,
  f8: (rows: H) => I,
): I;
export function pipe(rows: unknown, ...stages: ((rows: unknown) => unknown)[]): unknown {
  return stages.reduce((value, stage) => stage(value), rows);
}

/** Makes re-iterable rows out of an array. */
export function rowsOf<R>(rows: readonly R[]): Rows<R> {
  return {
    async *[Symbol.asyncIterator]() {
      yield* rows;
    },
  };
}

/** Reads all rows into an array. */
export async function collectRows<R>(rows: AsyncIterable<R>): Promise<R[]> {
  const all: R[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

/** Applies a function to each row; `index` counts from 0 in each iteration. */
export function mapRows<A, B>(map: (row: A, index: number) => B | Promise<B>): Transform<A, B> {
  return transform(async function* (rows: AsyncIterable<A>) {
    let index = 0;
    for await (const row of rows) yield await map(row, index++);
  });
}

/** Keeps the rows for which the function says true. */
export function filterRows<R>(
  keep: (row: R, index: number) => boolean | Promise<boolean>,
): <S extends R>(rows: AsyncIterable<S>) => Rows<S> {
  return <S extends R>(rows: AsyncIterable<S>) =>
    transform(async function* (source: AsyncIterable<S>) {
      let index = 0;
      for await (const row of source) if (await keep(row, index++)) yield row;
    })(rows);
}

/** Keeps the first `count` rows and reads no further. */
export function takeRows(count: number): <R>(rows: AsyncIterable<R>) => Rows<R> {
  if (!Number.isInteger(count) || count < 0)
    throw new RangeError(`takeRows: count is ${count}; it must be a whole number from 0`);
  return <R>(rows: AsyncIterable<R>) =>
    transform(async function* (source: AsyncIterable<R>) {
      if (count === 0) return;
      let left = count;
      for await (const row of source) {
        yield row;
        if (--left === 0) return;
      }
    })(rows);
}

/** Puts the rows of several sources one after another. */
export function concatRows<R>(...sources: AsyncIterable<R>[]): Rows<R> {
  return {
    async *[Symbol.asyncIterator]() {
      for (const source of sources) yield* source;
    },
  };
}
