import { attributeOf, OPPOSITES, THINGS } from "../world/knowledge.ts";
import type { Task } from "../world/task.ts";
import { isPronoun, topicOf } from "./check.ts";
import type { Statement } from "./statements.ts";

export type Answered = "right" | "partly" | "wrong" | "not at all";

/** Whether the question was answered, by which statements, and whether in a whole sentence. */
export interface DirectAnswer {
  answered: Answered;
  used: Statement[];
  wholeSentence: boolean;
}

const NOTHING: DirectAnswer = { answered: "not at all", used: [], wholeSentence: false };

/** Finds the first statement that answers the task; what is said later cannot make a wrong answer right. */
export function findAnswer(task: Task, statements: readonly Statement[]): DirectAnswer {
  for (const [at, statement] of statements.entries()) {
    if (task.kind === "yes-no") {
      const found = answerYesNo(task, statement, statements[at + 1]);
      if (found) return found;
      continue;
    }
    const answered = judge(task, statement);
    if (answered)
      return { answered, used: usedWith(statement, statements), wholeSentence: statement.says !== "words" || isLedIn(task) };
  }
  return NOTHING;
}

/** A sighting is one sentence but two statements, and both belong to the answer. */
function usedWith(statement: Statement, statements: readonly Statement[]): Statement[] {
  const next = statements[statements.indexOf(statement) + 1];
  const oneSentence = statement.says === "attribute" && next?.says === "attribute" && next.subject === statement.subject;
  return oneSentence && !isPronoun(statement.subject) ? [statement, next] : [statement];
}

/** A list of words is a whole answer where words are asked for; whether it has a lead-in is judged by its text. */
function isLedIn(task: Task): boolean {
  return task.kind === "copy" || task.kind === "reverse";
}

function judge(task: Exclude<Task, { kind: "yes-no" }>, statement: Statement): Answered | undefined {
  const bare = statement.says === "words" && statement.words.length === 1 ? statement.words[0]! : undefined;
  switch (task.kind) {
    case "attribute": {
      const value = bare ?? claimedValue(statement, task);
      if (value === undefined || attributeOf(value) !== task.attribute) return undefined;
      const holds = THINGS.get(task.thing)![task.attribute] === value;
      if (statement.says !== "attribute" || !statement.negated) return rightIf(holds);
      // What a thing is not answers nothing, and is wrong where it denies what the thing is.
      return holds ? "wrong" : undefined;
    }
    case "unknown":
      if (bare !== undefined) return attributeOf(bare) ? "wrong" : undefined;
      return statement.says === "attribute" ? "wrong" : undefined;
    case "opposite": {
      const answer = bare ?? (statement.says === "opposite" && statement.word === task.word ? statement.opposite : undefined);
      return answer === undefined ? undefined : rightIf(OPPOSITES.get(task.word) === answer);
    }
    case "sum":
      return judgeNumber(task.left + task.right, bare, statement, (said) => isSameSum(said, task));
    case "count":
      return judgeNumber(task.words.length, bare, statement, (said) => (said.says === "count" ? said.count : undefined));
    case "copy":
    case "reverse":
      return statement.says === "words" ? judgeWords(task, statement.words) : undefined;
    case "first":
    case "last": {
      const word = bare ?? (statement.says === "place in list" && statement.which === task.kind ? statement.word : undefined);
      return word === undefined ? undefined : rightIf(task.words.at(task.kind === "first" ? 0 : -1) === word);
    }
    case "odd-one-out":
      return judgeOdd(task, bare, statement);
    case "sentence":
      return statement.says === "attribute" && statement.subject === task.thing ? "right" : undefined;
    case "polite":
      if (statement.says !== "request") return undefined;
      return rightIf(statement.polite && statement.verb === task.verb && statement.thing === task.thing);
  }
}

function answerYesNo(
  task: Task & { kind: "yes-no" },
  statement: Statement,
  next: Statement | undefined,
): DirectAnswer | undefined {
  const right = THINGS.get(task.thing)![task.attribute]!;
  const claim = statement.says === "polarity" ? next : statement;
  const value = claim && claimedValue(claim, task);
  const claims = value !== undefined && attributeOf(value) === task.attribute && claim?.says === "attribute";
  const claimHolds = claims && (value === right) !== claim.negated;
  if (statement.says !== "polarity") {
    return claims ? { answered: claimHolds ? "partly" : "wrong", used: [statement], wholeSentence: true } : undefined;
  }
  if (statement.yes !== (task.value === right)) return { answered: "wrong", used: [statement], wholeSentence: claims };
  if (!claims) return { answered: "right", used: [statement], wholeSentence: false };
  return { answered: claimHolds ? "right" : "partly", used: [statement, claim], wholeSentence: true };
}

function claimedValue(statement: Statement, task: Task): string | undefined {
  if (statement.says !== "attribute") return undefined;
  return isPronoun(statement.subject) || statement.subject === topicOf(task) ? statement.value : undefined;
}

function judgeNumber(
  right: number,
  bare: string | undefined,
  statement: Statement,
  read: (statement: Statement) => number | undefined,
): Answered | undefined {
  const number = bare !== undefined && /^\d+$/.test(bare) ? Number(bare) : read(statement);
  return number === undefined ? undefined : rightIf(number === right);
}

function isSameSum(said: Statement, task: Task & { kind: "sum" }): number | undefined {
  if (said.says !== "sum") return undefined;
  const same = said.left === task.left && said.right === task.right;
  const turned = said.left === task.right && said.right === task.left;
  return same || turned ? said.result : undefined;
}

/** A list is partly right when at least half of its places hold the right word and it is not padded. */
function judgeWords(task: Task & { kind: "copy" | "reverse" }, words: readonly string[]): Answered {
  const expected = task.kind === "copy" ? task.words : task.words.toReversed();
  const places = Math.max(expected.length, words.length);
  const held = expected.filter((word, at) => words[at] === word).length;
  if (held === places) return "right";
  return held * 2 >= places ? "partly" : "wrong";
}

function judgeOdd(task: Task & { kind: "odd-one-out" }, bare: string | undefined, statement: Statement): Answered | undefined {
  const named = bare ?? (statement.says === "attribute" && statement.attribute === "group" ? statement.subject : undefined);
  if (named === undefined || isPronoun(named)) return undefined;
  if (statement.says === "attribute" && !statement.negated && statement.value === task.group) return "wrong";
  return rightIf(named === topicOf(task));
}

function rightIf(holds: boolean): Answered {
  return holds ? "right" : "wrong";
}
