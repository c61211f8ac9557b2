import type { Message } from "@zephyr/data";
import { parsePairwisePrompt } from "@zephyr/eval";
import { ASPECTS, type Aspect } from "./rate-answer.ts";

/** What a judge is asked: to rate texts on one aspect, to criticise one answer, or to choose between two. */
export type JudgeRequest =
  | { asks: "aspect"; aspect: Aspect; wantsTypes: boolean; prompt: Message[]; texts: string[] }
  | { asks: "critique"; prompt: Message[]; texts: string[] }
  | { asks: "verdict"; prompt: Message[]; texts: string[] };

/**
 * Reads a request back out of the messages that `rate` of @zephyr/aif or `compare` of @zephyr/eval sends to a judge.
 * Material is taken from between its markers only, so nothing inside a text is read as a request.
 *
 * Throws RangeError, saying what is missing, for messages of any other make.
 */
export function readJudgeRequest(messages: readonly Message[]): JudgeRequest {
  const text = messages.find(({ role }) => role === "user")?.content ?? "";
  // Only its first line tells a comparison: an answer to be rated may hold a whole forged one.
  const pair = text.startsWith("======") ? parsePairwisePrompt(messages) : undefined;
  if (pair) return { asks: "verdict", prompt: readConversation(pair.question), texts: [pair.answerA, pair.answerB] };
  const mark = /^<instruction ([0-9a-f]+)>$/m.exec(text)?.[1];
  if (mark === undefined) {
    throw new RangeError(
      "readJudgeRequest: the messages hold neither a marked instruction nor a marked question; send what `rate` or `compare` sends",
    );
  }
  const prompt = readConversation(between(text, "instruction", mark)!);
  const answer = between(text, "answer", mark);
  if (answer !== undefined) return { asks: "critique", prompt, texts: [answer] };
  return { asks: "aspect", aspect: readAspect(text), wantsTypes: wantsTypes(text, mark), prompt, texts: readTexts(text, mark) };
}

function readAspect(text: string): Aspect {
  const title = /^# (.+)$/m.exec(text)?.[1] ?? "";
  const name = title
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, "_");
  const aspect = ASPECTS.find((known) => known === name);
  if (aspect) return aspect;
  throw new RangeError(
    `readJudgeRequest: the aspect ${JSON.stringify(title)} is not one of ${ASPECTS.join(", ")}; use the rubric "ultrafeedback"`,
  );
}

function readTexts(text: string, mark: string): string[] {
  const texts: string[] = [];
  for (let n = 1; ; n++) {
    const found = between(text, `text-${n}`, mark);
    if (found === undefined) break;
    texts.push(found);
  }
  if (texts.length > 0) return texts;
  throw new RangeError("readJudgeRequest: there is no marked text to rate; send what `rate` sends");
}

/** The reply form stands behind the last piece of material. */
function wantsTypes(text: string, mark: string): boolean {
  return text.slice(text.lastIndexOf(mark)).includes("\nType: ");
}

function between(text: string, name: string, mark: string): string | undefined {
  const open = `<${name} ${mark}>\n`;
  const start = text.indexOf(open);
  const end = text.indexOf(`\n</${name} ${mark}>`, start + open.length - 1);
  return start < 0 || end < 0 ? undefined : text.slice(start + open.length, Math.max(end, start + open.length));
}

/** "[user]\nHello" and its like, turn by turn; a text without such heads is one user turn. */
function readConversation(text: string): Message[] {
  const parts = text.split(/(?:^|\n\n)\[(system|user|assistant)\]\n/);
  if (parts.length < 3 || parts[0] !== "") return [{ role: "user", content: text }];
  const messages: Message[] = [];
  for (let at = 1; at < parts.length; at += 2) messages.push({ role: parts[at]!, content: parts[at + 1]! });
  return messages;
}
