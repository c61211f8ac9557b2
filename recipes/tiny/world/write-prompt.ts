import { withArticle } from "./knowledge.ts";
import { ATTRIBUTE_PHRASINGS, FORMAT_PHRASINGS, PHRASINGS, YES_NO_PHRASINGS } from "./phrasings.ts";
import type { Random } from "./random.ts";
import type { Task } from "./task.ts";

/** Words a task as a question, in one of its phrasings, with its format instruction behind it. */
export function writePrompt(task: Task, random: Random): string {
  const slots = slotsOf(task);
  const question = random.pick(phrasingsOf(task)).replace(/\{(\w+)\}/g, (_, slot: string) => slots[slot]!);
  const format = FORMAT_PHRASINGS[task.format];
  return format === "" ? question : `${question} ${format}`;
}

function phrasingsOf(task: Task): readonly string[] {
  if (task.kind === "attribute" || task.kind === "unknown") return ATTRIBUTE_PHRASINGS[task.attribute];
  return task.kind === "yes-no" ? YES_NO_PHRASINGS[task.attribute] : PHRASINGS[task.kind];
}

function slotsOf(task: Task): Record<string, string> {
  switch (task.kind) {
    case "attribute":
      return { thing: withArticle(task.thing) };
    case "unknown":
      return { thing: withArticle(task.name) };
    case "yes-no":
      return { thing: withArticle(task.thing), word: task.value, thing2: withArticle(task.value) };
    case "opposite":
      return { word: task.word };
    case "sum":
      return { left: String(task.left), right: String(task.right) };
    case "odd-one-out":
      return { thing: withArticle(task.group), words: task.words.join(", ") };
    case "sentence":
      return { word: task.thing };
    case "polite":
      return { verb: task.verb, thing: withArticle(task.thing) };
    default:
      return { words: task.words.join(", ") };
  }
}
