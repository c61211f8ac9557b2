import { isRequestError } from "./client/errors.ts";

export interface OrderedMapOptions {
  /** Rows that are worked at. */
  atOnce: number;
  /** Rows that are held, those that are done but wait for an older one included. */
  window: number;
  /** Called when the consumer leaves before the end, or the rows end in an error. */
  stopped?: (() => void) | undefined;
}

/**
 * Applies `work` to several rows at a time and yields the results in the rows' order.
 *
 * When `work` rejects, no further row is taken, the rows already begun are waited for (they may still end up in a journal),
 * and the first error is thrown, one that is no interruption if there is one.
 */
export async function* orderedMap<A, B>(
  rows: AsyncIterable<A>,
  { atOnce, window, stopped = () => {} }: OrderedMapOptions,
  work: (row: A, index: number) => Promise<B>,
): AsyncGenerator<B> {
  const source = rows[Symbol.asyncIterator]();
  const held: Held<B>[] = [];
  const errors: unknown[] = [];
  let atWork = 0;
  let index = 0;
  let isReading = false;
  let isOver = false;
  let isLeft = false;
  let wake = (): void => {};

  function begin(row: A): void {
    const place: Held<B> = { outcome: undefined };
    held.push(place);
    atWork++;
    work(row, index++).then(
      (value) => {
        place.outcome = { value };
        atWork--;
        wake();
      },
      (error) => {
        errors.push(error);
        atWork--;
        wake();
      },
    );
  }

  /** Not waited for: what is done meanwhile goes on to the consumer. */
  function readNext(): void {
    isReading = true;
    source.next().then(
      (next) => {
        isReading = false;
        if (next.done) isOver = true;
        else if (!isLeft) begin(next.value);
        wake();
      },
      (error) => {
        isReading = false;
        isOver = true;
        errors.push(error);
        stopped();
        wake();
      },
    );
  }

  const somethingEnded = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });

  try {
    while (errors.length === 0) {
      if (!isOver && !isReading && atWork < atOnce && held.length < window) readNext();
      if (held[0]?.outcome !== undefined) yield held.shift()!.outcome!.value;
      else if (isOver && held.length === 0) break;
      else await somethingEnded();
    }
  } finally {
    isLeft = true;
    if (errors.length === 0 && held.length > 0) stopped();
    while (atWork > 0 || isReading) await somethingEnded();
    if (!isOver) await source.return?.();
  }
  if (errors.length > 0) throw errors.find((error) => !(isRequestError(error) && error.kind === "interrupted")) ?? errors[0];
}

/** A row's place in the order. */
interface Held<B> {
  outcome: { value: B } | undefined;
}
