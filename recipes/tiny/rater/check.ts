import { OPPOSITES, THINGS } from "../world/knowledge.ts";
import type { Task } from "../world/task.ts";
import type { Statement } from "./statements.ts";

/** What is to be thought of a statement: true and to the point, true but of something else, false, or not to be judged. */
export type Truth = "true" | "beside the point" | "false" | "unclear";

/** What "it" means in an answer to the task, and what an answer may talk about. */
export function topicOf(task: Task): string | undefined {
  if (task.kind === "odd-one-out") return task.words.find((word) => THINGS.get(word)?.group !== task.group);
  if (task.kind === "unknown") return task.name;
  return "thing" in task ? task.thing : undefined;
}

/** Checks a statement against the knowledge table, arithmetic and the words of the task. */
export function checkStatement(statement: Statement, task: Task): Truth {
  switch (statement.says) {
    case "attribute":
      return checkAttribute(statement, task);
    case "sum":
      return ifTrue(statement.left + statement.right === statement.result, task.kind === "sum");
    case "parity":
      return ifTrue((statement.number % 2 === 0) === statement.even, task.kind === "sum");
    case "opposite":
      return ifTrue(OPPOSITES.get(statement.word) === statement.opposite, isAbout(statement.word, task));
    case "place in list":
      return "words" in task ? ifTrue(task.words.at(statement.which === "first" ? 0 : -1) === statement.word, true) : "unclear";
    case "count":
      return "words" in task ? ifTrue(task.words.length === statement.count, true) : "unclear";
    case "words":
      return "words" in task && statement.words.length > 1
        ? ifTrue(statement.words.join() === task.words.join(), true)
        : "unclear";
    case "request":
    case "thanks":
      return task.kind === "polite" ? "true" : "beside the point";
    case "polarity":
    case "nothing clear":
      return "unclear";
  }
}

function checkAttribute({ subject, attribute, value, negated }: Statement & { says: "attribute" }, task: Task): Truth {
  const topic = topicOf(task);
  const name = isPronoun(subject) ? topic : subject;
  if (name === undefined) return "unclear";
  const known = THINGS.get(name);
  if (!known) return "false";
  const listed = task.kind === "odd-one-out" && task.words.includes(name);
  return ifTrue((known[attribute] === value) !== negated, name === topic || listed);
}

/** Whether a subject stands for what was spoken of before. */
export function isPronoun(subject: string): boolean {
  return subject === "it" || subject === "this" || subject === "that";
}

function isAbout(word: string, task: Task): boolean {
  return task.kind === "opposite" && (word === task.word || word === OPPOSITES.get(task.word));
}

function ifTrue(holds: boolean, toThePoint: boolean): Truth {
  if (!holds) return "false";
  return toThePoint ? "true" : "beside the point";
}
