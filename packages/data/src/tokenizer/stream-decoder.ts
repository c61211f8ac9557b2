import type { Tokenizer } from "./tokenizer.ts";

const REPLACEMENT = "\ufffd";

/** Held-back bytes are given up as broken after this many tokens; a character takes at most four. */
const LONGEST_WAIT = 32;

/** Turns token ids into text as they come. */
export interface StreamDecoder {
  /** The text that the next token completes; empty while a character is incomplete. */
  push(id: number): string;
  /** What is left at the end. */
  flush(): string;
}

/**
 * Decodes token by token, never cutting a character in two: the pieces joined equal the whole decoded at once.
 *
 * @example
 * const decoder = streamDecoder(tokenizer);
 * for await (const id of generated) process.stdout.write(decoder.push(id));
 */
export function streamDecoder(
  tokenizer: Tokenizer,
  { skipSpecialTokens = true }: { skipSpecialTokens?: boolean } = {},
): StreamDecoder {
  let window: number[] = [];
  let emitted = 0;
  const decode = (ids: number[]) => tokenizer.decode(ids, { skipSpecialTokens });

  /** Keeps only the last token as context, which tells a decoder that the text does not begin here. */
  const restart = (): void => {
    const last = window.slice(-1);
    const context = decode(last);
    if (context.includes(REPLACEMENT)) return;
    window = last;
    emitted = context.length;
  };
  return {
    push: (id) => {
      window.push(id);
      const text = decode(window);
      let safe = text.length;
      if (window.length < LONGEST_WAIT) while (safe > emitted && text[safe - 1] === REPLACEMENT) safe--;
      const piece = text.slice(emitted, safe);
      emitted = Math.max(emitted, safe);
      if (safe === text.length) restart();
      return piece;
    },
    flush: () => {
      const piece = decode(window).slice(emitted);
      window = [];
      emitted = 0;
      return piece;
    },
  };
}
