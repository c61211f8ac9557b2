import { isRequestError } from "./client/errors.ts";

/**
 * Applies `work` to at most `window` rows at a time and yields the results in the rows' order.
 *
 * When `work` rejects, no further row is taken, the rows already begun are waited for (they may still end up in a journal),
 * and the first error is thrown, one that is no interruption if there is one. `stopped` is called when the consumer leaves early.
 */
export async function* orderedMap<A, B>(
  rows: AsyncIterable<A>,
  window: number,
  work: (row: A, index: number) => Promise<B>,
  stopped: () => void = () => {},
): AsyncGenerator<B> {
  const source = rows[Symbol.asyncIterator]();
  const running: Promise<Outcome<B>>[] = [];
  const errors: unknown[] = [];
  let index = 0;
  let isOver = false;
  const begin = (row: A): Promise<Outcome<B>> =>
    work(row, index++).then(
      (value) => ({ value }),
      (error) => {
        errors.push(error);
        return undefined;
      },
    );
  try {
    while (errors.length === 0) {
      while (!isOver && running.length < window && errors.length === 0) {
        const next = await source.next();
        if (next.done) isOver = true;
        else running.push(begin(next.value));
      }
      const oldest = running.shift();
      if (oldest === undefined) break;
      const outcome = await oldest;
      if (outcome !== undefined) yield outcome.value;
    }
  } finally {
    if (errors.length === 0 && running.length > 0) stopped();
    await Promise.all(running);
    if (!isOver) await source.return?.();
  }
  if (errors.length > 0) throw errors.find((error) => !(isRequestError(error) && error.kind === "interrupted")) ?? errors[0];
}

type Outcome<B> = { value: B } | undefined;
