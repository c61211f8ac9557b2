import type { Message } from "@zephyr/data";

/** UTF-8 bytes of all contents. */
export function promptBytes(messages: readonly Message[]): number {
  let bytes = 0;
  for (const { content } of messages) bytes += Buffer.byteLength(content);
  return bytes;
}

/** A guess at a prompt's tokens without its tokenizer: four bytes a token and four tokens a message. */
export function estimatePromptTokens(messages: readonly Message[]): number {
  return Math.ceil(promptBytes(messages) / 4) + 4 * messages.length + 3;
}

/** A guess at a text's tokens without its tokenizer. */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

/** More tokens than a byte-level tokenizer can make of a prompt, with room for its chat template. */
export function mostPromptTokens(messages: readonly Message[]): number {
  return promptBytes(messages) + 16 * messages.length + 48;
}
