import { type CpythonRandom, cpythonRandom } from "../random/cpython-random.ts";
import type { Item, Task } from "./task.ts";

/**
 * Whose numbers to match. "leaderboard-v1" (lm-evaluation-harness b281b09): documents shuffled with seed 42, shots drawn
 * from the same stream. "lm-eval-0.4": documents in order, shots drawn with seed 1234.
 */
export type Parity = "leaderboard-v1" | "lm-eval-0.4";

type Row = Readonly<Record<string, unknown>>;

/** A document with the text that stands before its own context. */
export interface PromptedItem<T = Item> {
  item: T;
  prefix: string;
}

/** What shots need to know of a task: also one whose answers are written. */
type ShotTask<T> = Pick<Task, "name" | "shots" | "description"> & { item(row: Row): T };

/**
 * Documents in the order they are asked, each with its shots. Throws a RangeError when shots are wanted and the shot split
 * is too small.
 */
export function promptItems<T extends { asShot: string }>(
  task: ShotTask<T>,
  rows: readonly Row[],
  shotRows: readonly Row[],
  numFewshot: number,
  parity: Parity,
): PromptedItem<T>[] {
  if (numFewshot > shotRows.length)
    throw new RangeError(
      `${task.name}: ${numFewshot} shots are wanted, the shot split has ${shotRows.length} rows; give the split that shots come from, or fewer shots`,
    );
  const order = [...rows];
  const rng = cpythonRandom(parity === "leaderboard-v1" ? 42 : 1234);
  if (parity === "leaderboard-v1") rng.shuffle(order);
  return order.map((row) => ({ item: task.item(row), prefix: prefixOf(task, shotRows, numFewshot, rng) }));
}

function prefixOf<T extends { asShot: string }>(
  task: ShotTask<T>,
  shotRows: readonly Row[],
  numFewshot: number,
  rng: CpythonRandom,
): string {
  const description = task.description ?? "";
  if (numFewshot === 0) return description;
  const shots = task.shots === "first" ? shotRows.slice(0, numFewshot) : rng.sample(shotRows, numFewshot);
  return description + shots.map((row) => `${task.item(row).asShot}\n\n`).join("");
}
