import { ATTRIBUTES, attributeOf, OPPOSITES, says, THINGS, VALUES, withArticle } from "./knowledge.ts";
import type { Random } from "./random.ts";
import type { Task } from "./task.ts";

/** The pieces that an answer is made of: a whole sentence, its shortest form, and one more sentence that helps. */
export interface AnswerParts {
  core: string;
  terse: string;
  extra: string;
}

/** What the right answer says, in pieces; the teacher's style decides which of them are used. */
export function rightAnswer(task: Task, random: Random): AnswerParts {
  switch (task.kind) {
    case "attribute":
      return attributeAnswer(task.thing, task.attribute, THINGS.get(task.thing)![task.attribute]!, random);
    case "yes-no":
      return yesNoAnswer(task, random);
    case "unknown":
      return {
        core: `I do not know what ${withArticle(task.name)} is.`,
        terse: "I do not know.",
        extra: "Please tell me more about it.",
      };
    case "opposite":
      return oppositeAnswer(task.word, OPPOSITES.get(task.word)!);
    case "sum":
      return sumAnswer(task.left, task.right, task.left + task.right);
    case "copy":
      return wordsAnswer("The words are", task.words);
    case "reverse":
      return wordsAnswer("The words in reverse are", task.words.toReversed());
    case "first":
    case "last":
      return pickAnswer(task.kind, task.words, task.words.at(task.kind === "first" ? 0 : -1)!);
    case "count":
      return countAnswer(task.words, task.words.length);
    case "odd-one-out":
      return oddAnswer(task.group, task.words.find((word) => THINGS.get(word)!.group !== task.group)!);
    case "sentence":
      return sentenceAnswer(task.thing, random);
    case "polite":
      return politeAnswer(task.verb, task.thing);
  }
}

/** The same pieces around a plausible mistake: a neighbouring value, a number off by one, a list with two words swapped. */
export function wrongAnswer(task: Task, random: Random): AnswerParts {
  switch (task.kind) {
    case "attribute": {
      const right = THINGS.get(task.thing)![task.attribute]!;
      return attributeAnswer(task.thing, task.attribute, otherThan(right, VALUES[task.attribute], random), random);
    }
    case "yes-no": {
      const right = THINGS.get(task.thing)![task.attribute];
      const claim = task.value === right ? otherThan(right, VALUES[task.attribute], random) : task.value;
      const polarity = task.value === right ? "No" : "Yes";
      return {
        core: `${polarity}, ${says(withArticle(task.thing), task.attribute, claim)}.`,
        terse: `${polarity}.`,
        extra: fact(task.thing, task.attribute, random),
      };
    }
    case "unknown": {
      const value = random.pick(VALUES[task.attribute]);
      const core = `${capitalised(says(withArticle(task.name), task.attribute, value))}.`;
      return { core, terse: shortValue(value), extra: `It is ${withArticle(random.pick(VALUES.group))}.` };
    }
    case "opposite":
      return oppositeAnswer(task.word, otherThan(OPPOSITES.get(task.word)!, [...OPPOSITES.keys()], random));
    case "sum":
      return sumAnswer(task.left, task.right, task.left + task.right + random.pick([-1, 1]));
    case "copy":
      return wordsAnswer("The words are", spoilt(task.words, random));
    case "reverse":
      return wordsAnswer("The words in reverse are", spoilt(task.words.toReversed(), random));
    case "first":
    case "last":
      return pickAnswer(task.kind, task.words, otherThan(task.words.at(task.kind === "first" ? 0 : -1)!, task.words, random));
    case "count":
      return countAnswer(task.words, task.words.length + random.pick([-1, 1]));
    case "odd-one-out":
      return oddAnswer(task.group, random.pick(task.words.filter((word) => THINGS.get(word)!.group === task.group)));
    case "sentence":
      return sentenceAnswer(otherThan(task.thing, [...THINGS.keys()], random), random);
    case "polite":
      return { core: `${capitalised(task.verb)} me ${withArticle(task.thing)}.`, terse: "Now.", extra: "Be quick." };
  }
}

/** One more true sentence about a thing, other than the attribute already told. */
export function fact(thing: string, told: string, random: Random): string {
  const known = THINGS.get(thing)!;
  const attribute = random.pick(ATTRIBUTES.filter((name) => name !== told && known[name] !== undefined));
  return `${says("It", attribute, known[attribute]!)}.`;
}

function attributeAnswer(thing: string, attribute: Parameters<typeof says>[1], value: string, random: Random): AnswerParts {
  const core = `${capitalised(says(withArticle(thing), attribute, value))}.`;
  return { core, terse: shortValue(value), extra: fact(thing, attribute, random) };
}

function yesNoAnswer(task: Task & { kind: "yes-no" }, random: Random): AnswerParts {
  const right = THINGS.get(task.thing)![task.attribute]!;
  const polarity = task.value === right ? "Yes" : "No";
  return {
    core: `${polarity}, ${says(withArticle(task.thing), task.attribute, right)}.`,
    terse: `${polarity}.`,
    extra: fact(task.thing, task.attribute, random),
  };
}

function oppositeAnswer(word: string, answer: string): AnswerParts {
  return {
    core: `The opposite of ${word} is ${answer}.`,
    terse: `${capitalised(answer)}.`,
    extra: `The opposite of ${answer} is ${OPPOSITES.get(answer)!}.`,
  };
}

function sumAnswer(left: number, right: number, result: number): AnswerParts {
  const parity = result % 2 === 0 ? "an even" : "an odd";
  return { core: `${left} plus ${right} is ${result}.`, terse: `${result}.`, extra: `${result} is ${parity} number.` };
}

function wordsAnswer(opening: string, words: readonly string[]): AnswerParts {
  const list = words.join(", ");
  return { core: `${opening} ${list}.`, terse: `${capitalised(list)}.`, extra: `There are ${words.length} words.` };
}

function pickAnswer(which: "first" | "last", words: readonly string[], word: string): AnswerParts {
  const other = which === "first" ? `The last word is ${words.at(-1)}.` : `The first word is ${words[0]}.`;
  return { core: `The ${which} word is ${word}.`, terse: `${capitalised(word)}.`, extra: other };
}

function countAnswer(words: readonly string[], count: number): AnswerParts {
  return { core: `There are ${count} words.`, terse: `${count}.`, extra: `The words are ${words.join(", ")}.` };
}

function oddAnswer(group: string, word: string): AnswerParts {
  return {
    core: `${capitalised(withArticle(word))} is not ${withArticle(group)}.`,
    terse: `${capitalised(word)}.`,
    extra: `It is ${withArticle(THINGS.get(word)!.group)}.`,
  };
}

function sentenceAnswer(thing: string, random: Random): AnswerParts {
  const { colour, size, place } = THINGS.get(thing)!;
  const core = random.pick([`The ${thing} is in the ${place}.`, `I can see a ${size} ${thing} in the ${place}.`]);
  return { core, terse: `The ${thing}.`, extra: `It is ${colour}.` };
}

function politeAnswer(verb: string, thing: string): AnswerParts {
  const request = `${verb} me ${withArticle(thing)}`;
  return { core: `Could you please ${request}?`, terse: `${capitalised(request)}, please.`, extra: "Thank you." };
}

function shortValue(value: string): string {
  const attribute = attributeOf(value);
  if (attribute === "place") return `In the ${value}.`;
  return `${capitalised(attribute === "group" ? withArticle(value) : value)}.`;
}

function spoilt(words: readonly string[], random: Random): string[] {
  const at = random.below(words.length - 1);
  if (random.next() < 0.5) return words.toSpliced(at, 1);
  return words.with(at, words[at + 1]!).with(at + 1, words[at]!);
}

function otherThan(right: string, choices: readonly string[], random: Random): string {
  return random.pick(choices.filter((choice) => choice !== right));
}

/** "a frog is green" to "A frog is green". */
export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
