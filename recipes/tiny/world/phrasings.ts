import type { Attribute } from "./knowledge.ts";
import type { Format, Kind } from "./task.ts";

/**
 * The wordings of every question. `{thing}` stands for a noun with its article, `{word}` for a bare word, `{words}` for a
 * list with commas. The teacher's prompts are written from this table and the rater reads prompts back through it.
 */
export const ATTRIBUTE_PHRASINGS: Readonly<Record<Attribute, readonly string[]>> = {
  colour: [
    "What colour is {thing}?",
    "Tell me the colour of {thing}.",
    "Which colour does {thing} have?",
    "Name the colour of {thing}.",
  ],
  size: ["Is {thing} big or small?", "Tell me the size of {thing}.", "How big is {thing}?"],
  group: ["What kind of thing is {thing}?", "What is {thing}?", "Tell me what {thing} is."],
  place: ["Where is {thing}?", "Where can I find {thing}?", "Tell me where {thing} is."],
  sound: ["What does {thing} say?", "Which sound does {thing} make?", "Name the sound of {thing}."],
};

/** Yes-no questions, by the attribute asked about. */
export const YES_NO_PHRASINGS: Readonly<Record<Attribute, readonly string[]>> = {
  colour: ["Is {thing} {word}?", "Is it true that {thing} is {word}?"],
  size: ["Is {thing} {word}?", "Is it true that {thing} is {word}?"],
  group: ["Is {thing} {thing2}?", "Is it true that {thing} is {thing2}?"],
  place: ["Is {thing} in the {word}?", "Can I find {thing} in the {word}?"],
  sound: ["Does {thing} say {word}?", "Is it true that {thing} says {word}?"],
};

export const PHRASINGS: Readonly<Record<Exclude<Kind, "attribute" | "yes-no" | "unknown">, readonly string[]>> = {
  opposite: [
    "What is the opposite of {word}?",
    "Give me the opposite of {word}.",
    "Which word means the opposite of {word}?",
    "Name the opposite of {word}.",
  ],
  sum: ["What is {left} plus {right}?", "Add {left} and {right}.", "How much is {left} plus {right}?"],
  copy: ["Copy these words: {words}.", "Repeat these words: {words}."],
  reverse: ["Reverse these words: {words}.", "Say these words backwards: {words}."],
  first: ["Which word is first: {words}?", "Tell me the first word: {words}."],
  last: ["Which word is last: {words}?", "Tell me the last word: {words}."],
  count: ["How many words are here: {words}?", "Count these words: {words}."],
  "odd-one-out": ["Which one is not {thing}: {words}?", "Find the one that is not {thing}: {words}."],
  sentence: ["Make a sentence with the word {word}.", "Use the word {word} in a sentence."],
  polite: ["Say this politely: {verb} me {thing}.", "Make this polite: {verb} me {thing}."],
};

/** What a question says about the form of its answer, after a space. */
export const FORMAT_PHRASINGS: Readonly<Record<Format, string>> = {
  free: "",
  "one-word": "Answer in one word.",
  capitals: "Use capital letters.",
  sentence: "Answer in a full sentence.",
  list: "Answer as a list.",
};

/** The second question of a dialogue: about the same thing ("What colour is it?") or the same attribute ("And a cow?"). */
export const PRONOUN_PHRASINGS: Readonly<Record<Attribute, readonly string[]>> = {
  colour: ["What colour is it?"],
  size: ["Is it big or small?"],
  group: ["What kind of thing is it?"],
  place: ["Where is it?"],
  sound: ["What does it say?"],
};
export const ELLIPSIS_PHRASINGS: readonly string[] = ["And {thing}?", "What about {thing}?"];

export const POLITE_VERBS: readonly string[] = ["give", "bring", "show", "pass"];
