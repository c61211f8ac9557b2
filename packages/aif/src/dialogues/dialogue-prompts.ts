import type { Message } from "@zephyr/data";
import type { TopicRow } from "./topics.ts";

/** What the simulated user says to end a dialogue. */
export const END_MARKER = "[END]";

/** Asks for `count` different first messages on a topic. */
export function openingsPrompt({ topic, kind = "question", material }: TopicRow, count: number, known: string[]): Message[] {
  const task = {
    question: `They ask about: ${topic}. Range from everyday to expert, from facts to reasons, plans and comparisons.`,
    writing: `They ask to have something written: ${topic}. Vary subject, audience, length, tone and restrictions.`,
    material: `They come with the text below and want this done with it: ${topic}. Each message must stand on its own, without repeating the text.`,
  }[kind];
  const parts = [
    `Write ${count} first messages that different people could send to an AI assistant. ${task}`,
    ...(material === undefined ? [] : [`The text:\n\n${material}`]),
    ...(known.length === 0 ? [] : [`Do not repeat these:\n${known.map((text) => `- ${text}`).join("\n")}`]),
    `Each message is one to three sentences on a line of its own, as "1. ...", "2. ..." up to "${count}. ...". Write nothing else.`,
  ];
  return [{ role: "user", content: parts.join("\n\n") }];
}

/** The numbered lines of a reply to `openingsPrompt`, cleaned of quotes. */
export function parseOpenings(reply: string): string[] {
  const lines = [...reply.matchAll(/^\s*\d+[.)]\s+(.+)$/gm)].map(([, text]) => text!.trim().replace(/^["“](.*)["”]$/, "$1"));
  return lines.filter((text) => text.length >= 8);
}

/** Asks the user's side for its next message; the roles of the dialogue are swapped, so that the user's turns are the model's own. */
export function nextUserTurn(messages: Message[], persona: string, turnsLeft: number): Message[] {
  const instructions = `You play a person who talks to an AI assistant: ${persona}. Write only this person's next message, in the first person, without quotation marks. React to the last answer: ask for more, doubt it, change the task, or go on to what follows from it. Never thank without asking something, and never play the assistant. ${turnsLeft > 1 ? "" : `If nothing is left to ask, write ${END_MARKER} and nothing else.`}`;
  const swapped = messages.map(({ role, content }) => ({ role: role === "user" ? "assistant" : "user", content }));
  // Chat templates want a user's turn first; the swapped dialogue begins with the model's own.
  return [
    { role: "system", content: instructions.trim() },
    { role: "user", content: "(The conversation begins. Write your first message.)" },
    ...swapped,
  ];
}
