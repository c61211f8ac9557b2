import { isRequestError } from "./client/errors.ts";

export interface OrderedMapOptions {
  /** Rows that are worked at. */
  atOnce: number;
  /** Rows that are held, those that are done but wait for an older one included. */
  window: number;
  /** Called when the consumer leaves before the end. */
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
  let isOver = false;
  let wake = (): void => {};

  function begin(row: A): void {
    const slot: Held<B> = { outcome: undefined };
    held.push(slot);
    atWork++;
    work(row, index++).then(
      (value) => {
        slot.outcome = { value };
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

  const ended = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });

  try {
    while (errors.length === 0) {
      const oldest = held[0];
      if (oldest?.outcome !== undefined) {
        held.shift();
        yield oldest.outcome.value;
      } else if (!isOver && atWork < atOnce && held.length < window) {
        const next = await source.next();
        if (next.done) isOver = true;
        else begin(next.value);
      } else if (oldest !== undefined) await ended();
      else break;
    }
  } finally {
    if (errors.length === 0 && held.length > 0) stopped();
    while (atWork > 0) await ended();
    if (!isOver) await source.return?.();
  }
  if (errors.length > 0) throw errors.find((error) => !(isRequestError(error) && error.kind === "interrupted")) ?? errors[0];
}

/** A row's place in the order. */
interface Held<B> {
  outcome: { value: B } | undefined;
}
