import type { Message, Tokenizer, UntypedRow } from "@zephyr/data";

/**
 * Token ids of a row's prompt: given as `prompt_ids`, or messages (a text is one of the user's) through the chat template; a text as it
 * is without one. Throws a TypeError or Error beginning with `place` for a row without a prompt, or text without a tokenizer.
 */
export function encodePrompt(row: UntypedRow, tokenizer: Tokenizer | undefined, place: string): number[] {
  if (Array.isArray(row.prompt_ids)) return row.prompt_ids;
  const { prompt } = row as { prompt?: string | Message[] };
  if (typeof prompt !== "string" && !Array.isArray(prompt))
    throw new TypeError(`${place} has no prompt; give a text or messages`);
  if (!tokenizer) throw new Error(`${place} holds text, but the model folder has no tokenizer; give prompt_ids`);
  if (typeof prompt === "string" && tokenizer.chatTemplate === undefined) return tokenizer.encode(prompt);
  const messages = typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt;
  return tokenizer.encode(tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true }), { addSpecialTokens: false });
}
