import type { Message } from "@zephyr/data";

/** How long a prompt is: messages, and UTF-8 bytes of all their contents. */
export interface PromptSize {
  messages: number;
  bytes: number;
}

export function promptSize(messages: readonly Message[]): PromptSize {
  let bytes = 0;
  for (const { content } of messages) bytes += Buffer.byteLength(content);
  return { messages: messages.length, bytes };
}

/** A guess at a prompt's tokens without its tokenizer: four bytes a token and four tokens a message. */
export function estimatePromptTokens(messages: readonly Message[]): number {
  return Math.ceil(promptSize(messages).bytes / 4) + 4 * messages.length + 3;
}

/** A guess at a text's tokens without its tokenizer. */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

/** More tokens than a byte-level tokenizer can make of a prompt, with room for its chat template. */
export function mostTokens({ messages, bytes }: PromptSize): number {
  return bytes + 16 * messages + 48;
}
