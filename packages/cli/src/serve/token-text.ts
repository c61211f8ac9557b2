import type { Tokenizer } from "@zephyr/data";

const REPLACEMENT = "\ufffd";

/** What a token reads as behind another one: decoded alone, the vocabularies of the Llama family lose its leading space. */
export function textBehind(tokenizer: Tokenizer, before: number | undefined, id: number): string {
  const alone = tokenizer.decode([id]);
  if (before === undefined) return alone;
  const [context, both] = [tokenizer.decode([before]), tokenizer.decode([before, id])];
  return context.includes(REPLACEMENT) || !both.startsWith(context) ? alone : both.slice(context.length);
}

/** A token's bytes as OpenAI lists them; null for a part of a character, whose bytes the text no longer shows. */
export function bytesOf(text: string): number[] | null {
  return text.includes(REPLACEMENT) ? null : [...new TextEncoder().encode(text)];
}
