import type { DialogueRow, Message, PromptRow } from "@zephyr/data";
import { attributesOf, drawTask } from "./draw-task.ts";
import { THINGS, withArticle } from "./knowledge.ts";
import { ELLIPSIS_PHRASINGS, PRONOUN_PHRASINGS } from "./phrasings.ts";
import { type Random, seededRandom, textFraction } from "./random.ts";
import type { Task } from "./task.ts";
import { teacherAnswer } from "./teacher.ts";
import { writePrompt } from "./write-prompt.ts";

/** Everything the recipe starts from: the teacher's dialogues, prompts to collect feedback on, prompts held out to the end. */
export interface World {
  dialogues: DialogueRow[];
  feedbackPrompts: PromptRow[];
  evalPrompts: PromptRow[];
}

export const WORLD_SIZE = { dialogues: 2_400, feedbackPrompts: 640, evalPrompts: 320 } as const;

/** The share of dialogues and prompts that go on to a second question. */
const TWO_TURN_RATE = 0.12;

type Side = "dialogues" | "feedbackPrompts" | "evalPrompts";

/**
 * Makes the instruction world: the same seed gives the same rows, to the byte.
 *
 * A prompt belongs to one of the three parts by a hash of its text, so none is in two of them; the prompts of a part are
 * distinct. Some dialogues and prompts have two turns; their prompt is a message list that ends with the user's turn.
 *
 * @example const { dialogues, feedbackPrompts, evalPrompts } = makeWorld(0);
 */
export function makeWorld(seed: number): World {
  const random = seededRandom(seed);
  return {
    dialogues: makeDialogues(WORLD_SIZE.dialogues, random),
    feedbackPrompts: makePrompts("feedbackPrompts", WORLD_SIZE.feedbackPrompts, random),
    evalPrompts: makePrompts("evalPrompts", WORLD_SIZE.evalPrompts, random),
  };
}

function makeDialogues(count: number, random: Random): DialogueRow[] {
  const rows = new Map<string, DialogueRow>();
  while (rows.size < count) {
    const { messages, task } = askUntil("dialogues", random);
    const row = { messages: [...messages, { role: "assistant", content: teacherAnswer(task, random) }] };
    rows.set(JSON.stringify(row), row);
  }
  return [...rows.values()];
}

function makePrompts(side: Side, count: number, random: Random): PromptRow[] {
  const rows = new Map<string, PromptRow>();
  while (rows.size < count) {
    const { messages, task } = askUntil(side, random);
    const key = promptKey(messages);
    if (rows.has(key)) continue;
    const prompt_id = `${side === "evalPrompts" ? "eval" : "feedback"}-${String(rows.size + 1).padStart(4, "0")}`;
    rows.set(key, { prompt_id, prompt: messages.length === 1 ? messages[0]!.content : messages, source: task.kind });
  }
  return [...rows.values()];
}

/** Draws questions until one falls on the wanted side of the border. */
function askUntil(side: Side, random: Random): { messages: Message[]; task: Task } {
  for (;;) {
    const asked = random.next() < TWO_TURN_RATE ? askTwice(random) : askOnce(side, random);
    if (sideOf(asked.messages) === side) return asked;
  }
}

function askOnce(side: Side, random: Random): { messages: Message[]; task: Task } {
  const task = drawTask(random, { familiar: side === "dialogues" });
  return { messages: [{ role: "user", content: writePrompt(task, random) }], task };
}

/** Two questions about attributes, the second leaning on the first. The first is always one that dialogues may hold. */
function askTwice(random: Random): { messages: Message[]; task: Task } {
  const names = [...THINGS.keys()];
  const thing = random.pick(names);
  const first: Task = { kind: "attribute", thing, attribute: random.pick(attributesOf(thing)), format: "free" };
  const opening: Message = { role: "user", content: writePrompt(first, random) };
  if (sideOf([opening]) !== "dialogues") return askTwice(random);
  const { question, task } = random.next() < 0.5 ? askByPronoun(first, random) : askByEllipsis(first, random);
  const answer: Message = { role: "assistant", content: teacherAnswer(first, random) };
  return { messages: [opening, answer, { role: "user", content: question }], task };
}

function askByPronoun(
  { thing, attribute: told }: Task & { kind: "attribute" },
  random: Random,
): { question: string; task: Task } {
  const attribute = random.pick(attributesOf(thing).filter((name) => name !== told));
  return { question: random.pick(PRONOUN_PHRASINGS[attribute]), task: { kind: "attribute", thing, attribute, format: "free" } };
}

function askByEllipsis({ thing, attribute }: Task & { kind: "attribute" }, random: Random): { question: string; task: Task } {
  const others = [...THINGS.keys()].filter((name) => name !== thing && attributesOf(name).includes(attribute));
  const other = random.pick(others);
  const question = random.pick(ELLIPSIS_PHRASINGS).replace("{thing}", withArticle(other));
  return { question, task: { kind: "attribute", thing: other, attribute, format: "free" } };
}

/** A prompt's part of the world: half of all prompts may stand in dialogues, a quarter collects feedback, a quarter is held out. */
function sideOf(messages: readonly Message[]): Side {
  const fraction = textFraction(promptKey(messages));
  if (fraction < 0.5) return "dialogues";
  return fraction < 0.75 ? "feedbackPrompts" : "evalPrompts";
}

/** The user's side of a conversation, which is what makes a prompt the same prompt. */
function promptKey(messages: readonly Message[]): string {
  return messages
    .filter(({ role }) => role === "user")
    .map(({ content }) => content)
    .join("\n");
}
