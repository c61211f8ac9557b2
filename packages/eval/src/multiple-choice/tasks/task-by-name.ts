import type { Task } from "../task.ts";
import { arcChallenge } from "./arc-challenge.ts";
import { hellaswag } from "./hellaswag.ts";
import { MMLU_SUBJECTS, mmlu } from "./mmlu.ts";
import { truthfulqa } from "./truthfulqa.ts";
import { winogrande } from "./winogrande.ts";

const TASKS: readonly Task[] = [arcChallenge, hellaswag, truthfulqa, winogrande];

/** Names that `tasksByName` knows; "mmlu" stands for its 57 subjects. */
export const TASK_NAMES: readonly string[] = [...TASKS.map((task) => task.name), "mmlu"];

/** The task of a name, or MMLU's 57 for "mmlu" (one for "mmlu_SUBJECT"); throws a RangeError listing the names. */
export function tasksByName(name: string): Task[] {
  if (name === "mmlu") return MMLU_SUBJECTS.map(mmlu);
  if (name.startsWith("mmlu_") && MMLU_SUBJECTS.includes(name.slice(5))) return [mmlu(name.slice(5))];
  const task = TASKS.find((candidate) => candidate.name === name || (name.startsWith("truthfulqa") && candidate === truthfulqa));
  if (!task) throw new RangeError(`tasksByName: there is no task "${name}"; there are ${TASK_NAMES.join(", ")} and mmlu_SUBJECT`);
  return [task];
}
