import { type Transform, transform, type UnparsedRows } from "@zephyr/data";
import { interruptedError } from "../errors/usage-error.ts";

/** The user's wish to stop. */
export interface Interrupt {
  /** Aborted by the first Ctrl-C (or SIGTERM): finish what cannot be repeated, keep what is done, leave. */
  readonly drain: AbortSignal;
  /** Aborted by the second: leave at once. */
  readonly signal: AbortSignal;
}

/** Two signals closer together than this are one: a terminal sends one to us and one to the process that forwards it. */
const SAME_MS = 500;

/**
 * Listens for SIGINT and SIGTERM. A command that ends `gracefully` looks at `drain` itself; any other one ends at the first signal.
 * The second signal ends all.
 */
export function listenForInterrupts({ gracefully, leave }: { gracefully: boolean; leave: () => void }): Interrupt & Disposable {
  const [drain, signal] = [new AbortController(), new AbortController()];
  let first: number | undefined;
  const onSignal = (): void => {
    if (first === undefined) {
      first = performance.now();
      drain.abort(interruptedError("interrupted"));
      if (gracefully) return;
    } else if (performance.now() - first < SAME_MS) return;
    signal.abort(interruptedError("interrupted"));
    leave();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const name of signals) process.on(name, onSignal);
  return {
    drain: drain.signal,
    signal: signal.signal,
    [Symbol.dispose]() {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}

/** Rows that end with an error once the user wants to stop, so that whoever writes them cleans up; their lines, where they have some, too. */
export function untilInterrupted<R>({ drain }: Interrupt): Transform<R, R> {
  async function* checked<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const item of items) {
      if (drain.aborted) throw interruptedError("interrupted; nothing was written");
      yield item;
      // Signals are delivered between turns of the event loop only.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return (rows) => {
    const result = transform<R, R>(checked)(rows);
    if (!("unparsedLines" in rows)) return result;
    const unparsedLines = () => checked((rows as UnparsedRows<R>).unparsedLines());
    return Object.defineProperty(result, "unparsedLines", { value: unparsedLines, enumerable: false });
  };
}
