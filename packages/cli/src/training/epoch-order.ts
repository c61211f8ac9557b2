import { type Rows, randomFor, rowsOf } from "@zephyr/data";

/** The rows of an epoch: in their own order, or in one that seed and epoch decide, the same after a resume. */
export function epochRows<R>(rows: readonly R[], strategy: "random" | "sequential", seed: number): (epoch: number) => Rows<R> {
  if (strategy === "sequential") return () => rowsOf(rows);
  return (epoch) => rowsOf(randomFor(seed, `epoch ${epoch}`).shuffle(rows));
}
