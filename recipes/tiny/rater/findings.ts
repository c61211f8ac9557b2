import { OPPOSITES, THINGS, VALUES } from "../world/knowledge.ts";
import type { Task } from "../world/task.ts";
import { checkStatement, isPronoun, topicOf } from "./check.ts";
import { type Answered, findAnswer } from "./find-answer.ts";
import { readManners } from "./manners.ts";
import { readStatements, type Statement } from "./statements.ts";

/** Everything about an answer that its ratings rest on. */
export interface Findings {
  answered: Answered;
  /** The answer stands in a whole sentence, not in a bare word. */
  wholeSentence: boolean;
  formatKept: boolean;
  /** True and related statements beyond the answer itself. */
  trueExtras: number;
  falseExtras: number;
  /** True, but of something that nobody asked about. */
  besideThePoint: number;
  /** Sentences that could not be understood. */
  unclear: number;
  /** Statements made more than once. */
  repeated: number;
  filler: number;
  hedges: number;
  rude: number;
  ignorance: "none" | "bare" | "named";
  asksBack: boolean;
  /** Ends with a full stop, an exclamation mark or a question mark, where the format calls for one. */
  ended: boolean;
  /** Nothing but white space. */
  empty: boolean;
}

/** Takes an answer apart in the light of its task. */
export function findingsOf(task: Task, answer: string): Findings {
  const manners = readManners(answer, task.kind === "unknown" ? task.name : undefined);
  const { distinct, repeated } = withoutRepeats(readStatements(manners.rest), task);
  const direct = findAnswer(task, distinct);
  const extras = distinct.filter((statement) => !direct.used.includes(statement));
  const truths = extras.map((statement) => checkStatement(statement, task));
  const count = (truth: (typeof truths)[number]): number => truths.filter((one) => one === truth).length;
  const admits = task.kind === "unknown" && direct.answered === "not at all" && manners.ignorance !== "none";
  const answered = admits
    ? "right"
    : task.kind === "sentence"
      ? sentenceAnswered(task, answer, direct.answered)
      : direct.answered;
  const wholeSentence = admits ? manners.ignorance === "named" : direct.wholeSentence && !isBareList(task, answer);
  const ended = task.format === "list" || task.format === "one-word" || /[.!?]["')]?$/.test(answer.trim());
  return {
    answered,
    wholeSentence: wholeSentence && !isBarePolite(task, distinct),
    formatKept: keepsFormat(task, answer.trim(), wholeSentence && ended),
    trueExtras: count("true"),
    falseExtras: count("false") + (falseInAnswer(task, direct.used) ? 1 : 0),
    besideThePoint: count("beside the point"),
    unclear: count("unclear"),
    repeated: repeated + manners.repeated,
    filler: manners.filler,
    hedges: manners.hedges,
    rude: manners.rude,
    ignorance: manners.ignorance,
    asksBack: manners.asksBack,
    ended,
    empty: answer.trim() === "",
  };
}

/** "It is green" after "A frog is green" says nothing new: subjects are compared by what they mean. */
function withoutRepeats(statements: readonly Statement[], task: Task): { distinct: Statement[]; repeated: number } {
  const seen = new Set<string>();
  const distinct = statements.filter((statement) => {
    const meant =
      statement.says === "attribute" && isPronoun(statement.subject) ? { ...statement, subject: topicOf(task) } : statement;
    const key = JSON.stringify(meant);
    return seen.has(key) ? false : seen.add(key);
  });
  return { distinct, repeated: statements.length - distinct.length };
}

function keepsFormat(task: Task, answer: string, sentence: boolean): boolean {
  switch (task.format) {
    case "free":
      return true;
    case "one-word":
      return /^[\p{L}\p{N}]+[.!]?$/u.test(answer);
    case "capitals":
      return /\p{Lu}/u.test(answer) && !/\p{Ll}/u.test(answer);
    case "sentence":
      return sentence && /^\P{Ll}/u.test(answer);
    case "list":
      return /^- \S+(?:\n- \S+)+$/.test(answer);
  }
}

/** A sentence that the rater cannot check still does what was asked, in part, when it holds the word among known words. */
function sentenceAnswered(task: Task & { kind: "sentence" }, answer: string, direct: Answered): Answered {
  if (direct === "right") return "right";
  const words: string[] = answer.toLowerCase().match(/[a-z]+/g) ?? [];
  return words.includes(task.thing) && words.filter((word) => KNOWN_WORDS.has(word)).length >= 2 ? "partly" : "not at all";
}

const KNOWN_WORDS: ReadonlySet<string> = new Set([
  ...THINGS.keys(),
  ...OPPOSITES.keys(),
  ...Object.values(VALUES).flat(),
  ..."the a an is in it i can see has have and you".split(" "),
]);

/** Words alone, with no lead-in, are the bare form of a copied or reversed list. */
function isBareList(task: Task, answer: string): boolean {
  return (task.kind === "copy" || task.kind === "reverse") && !/\bwords?\b/i.test(answer);
}

/** "Give me a cup, please." asks politely but does not ask as a question. */
function isBarePolite(task: Task, statements: readonly Statement[]): boolean {
  return task.kind === "polite" && !statements.some((statement) => statement.says === "request" && statement.asks);
}

/** A made sentence may be a sentence with the word and still say something false. */
function falseInAnswer(task: Task, used: readonly Statement[]): boolean {
  return task.kind === "sentence" && used.some((statement) => checkStatement(statement, task) === "false");
}
