import type { Message } from "../rows.ts";
import { isMessageList, toMessages } from "./conversation.ts";

/** What supervised fine-tuning can learn from a row: a text, a dialogue, or a prompt and its completion. */
export type TrainingText =
  | { text: string }
  | { messages: Message[] }
  | { prompt: string; completion: string }
  | { prompt: Message[]; completion: Message[] };

/**
 * A row of any of TRL's SFT formats: `text`, `messages` or `conversations` (role/content or from/value), `prompt` + `completion` as
 * texts or messages.
 *
 * @throws TypeError naming row and column.
 */
export function toTrainingText(row: object, place: string): TrainingText {
  const { text, messages, conversations, prompt, completion } = row as Record<string, unknown>;
  if (completion !== undefined && completion !== null) {
    if (typeof completion === "string") {
      if (typeof prompt === "string") return { prompt, completion };
      return { prompt: toMessages(prompt, `${place}: prompt`), completion: [{ role: "assistant", content: completion }] };
    }
    const answer = toMessages(completion, `${place}: completion`);
    if (typeof prompt === "string") return { prompt: [{ role: "user", content: prompt }], completion: answer };
    return { prompt: toMessages(prompt, `${place}: prompt`), completion: answer };
  }
  for (const [name, value] of [
    ["messages", messages],
    ["conversations", conversations],
  ] as const) {
    if (isMessageList(value)) return { messages: toMessages(value, `${place}: ${name}`) };
  }
  if (typeof text === "string") return { text };
  const found = Object.keys(row).join(", ");
  throw new TypeError(
    `${place}: holds none of text, messages, conversations, prompt + completion; its columns are ${found || "none"}`,
  );
}
