import { type AnswerParts, rightAnswer, wrongAnswer } from "./answers.ts";
import type { Random } from "./random.ts";
import type { Format, Task } from "./task.ts";

/**
 * How the teacher writes, and how often. Real instruction data is such a mixture: most answers are right, few are the best
 * that could be said. Supervised fine-tuning imitates all of it; the preference step can move towards the better part.
 */
export const STYLES = {
  /** The answer in a sentence and one more true sentence that helps. */
  thorough: 0.24,
  /** The answer in a sentence. */
  plain: 0.24,
  /** The bare answer: "Green." */
  terse: 0.16,
  /** An opening that says nothing, then the answer. */
  filler: 0.11,
  /** Doubts what it knows: "Maybe a frog is green." */
  hedging: 0.08,
  /** Scolds the one who asked, then answers in a word. */
  rude: 0.05,
  /** Says the answer twice, with padding behind it. */
  wordy: 0.05,
  /** Stops without a full stop. */
  unfinished: 0.04,
  /** Does not try. */
  evasive: 0.03,
} as const;
export type Style = keyof typeof STYLES;

/** How often the teacher is wrong, by whether the thing asked about exists: on invented names it often makes things up. */
export const WRONG_RATE = { known: 0.06, unknown: 0.25 } as const;

/** How often the teacher keeps to a format instruction. */
const FORMAT_KEPT: Readonly<Record<Exclude<Format, "free">, number>> = {
  "one-word": 0.65,
  capitals: 0.6,
  sentence: 0.7,
  list: 0.65,
};

export const FILLERS = ["That is a good question.", "Well, let me think about it.", "Here is my answer."] as const;
export const HEDGES = ["Maybe", "I am not sure, but I think", "Perhaps"] as const;
export const RUDENESS = ["That is a silly question.", "Everyone knows that.", "Do not waste my time."] as const;
export const PADDING = ["I hope this helps you.", "I hope you like my answer."] as const;

/** The teacher's answer to a task, in a style drawn from STYLES and sometimes wrong. */
export function teacherAnswer(task: Task, random: Random): string {
  const wrongRate = task.kind === "unknown" ? WRONG_RATE.unknown : WRONG_RATE.known;
  const parts = random.next() < wrongRate ? wrongAnswer(task, random) : rightAnswer(task, random);
  if (task.format === "free" || random.next() > FORMAT_KEPT[task.format]) return inStyle(parts, random.weighted(STYLES), random);
  return inFormat(task, parts, random);
}

/** Puts the pieces of an answer together in one of the teacher's styles. */
export function inStyle({ core, terse, extra }: AnswerParts, style: Style, random: Random): string {
  switch (style) {
    case "thorough":
      return `${core} ${extra}`;
    case "plain":
      return core;
    case "terse":
      return terse;
    case "filler":
      return `${random.pick(FILLERS)} ${core}`;
    case "hedging":
      return `${random.pick(HEDGES)} ${core.charAt(0).toLowerCase()}${core.slice(1)}`.replace(" i ", " I ");
    case "rude":
      return `${random.pick(RUDENESS)} ${terse}`;
    case "wordy":
      return `${random.pick(FILLERS)} ${core} ${core} ${random.pick(PADDING)}`;
    case "unfinished":
      return core.slice(0, -1);
    case "evasive":
      return "I do not know.";
  }
}

function inFormat(task: Task, { core, terse, extra }: AnswerParts, random: Random): string {
  const thorough = random.next() < 0.4 ? `${core} ${extra}` : core;
  switch (task.format) {
    case "one-word":
      return `${oneWord(terse)}.`;
    case "capitals":
      return (random.next() < 0.5 ? thorough : terse).toUpperCase();
    case "sentence":
    case "free":
      return thorough;
    case "list":
      return terse
        .slice(0, -1)
        .toLowerCase()
        .split(", ")
        .map((word) => `- ${word}`)
        .join("\n");
  }
}

/** "In the pond." to "Pond", "An animal." to "Animal". */
function oneWord(terse: string): string {
  const word = terse.slice(0, -1).split(" ").at(-1)!;
  return word.charAt(0).toUpperCase() + word.slice(1);
}
