import { transform } from "./pipe.ts";
import { randomFor } from "./random.ts";
import type { Rows } from "./rows.ts";

/**
 * Puts the rows in an order that depends on the seed and their number alone; holds all rows in memory while it runs.
 *
 * @example
 * for await (const row of pipe(rows, shuffleRows({ seed: 0 }))) ...
 */
export function shuffleRows({ seed }: { seed: number }): <R>(rows: AsyncIterable<R>) => Rows<R> {
  return <R>(rows: AsyncIterable<R>) =>
    transform(async function* (source: AsyncIterable<R>) {
      const all: R[] = [];
      for await (const row of source) all.push(row);
      yield* randomFor(seed, "shuffleRows").shuffle(all);
    })(rows);
}
