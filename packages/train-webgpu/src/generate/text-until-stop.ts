import { streamDecoder, type Tokenizer } from "@zephyr/data";

/** The text of a completion as its tokens come, up to the first stop text. */
export interface TextUntilStop {
  /** Text that this token sets free: no half characters, and nothing that may still become a stop text. */
  push(id: number): string;
  /** Whether a stop text has appeared; the text ends before it. */
  readonly stopped: boolean;
  /** All text before the stop text, what is held back included. */
  readonly text: string;
}

/**
 * Watches for stop texts, also those that begin in one token and end in another.
 *
 * @example
 * const text = textUntilStop(tokenizer, ["\n\n"]);
 * for (const id of ids) if (process.stdout.write(text.push(id)) && text.stopped) break;
 */
export function textUntilStop(tokenizer: Tokenizer, stop: readonly string[]): TextUntilStop {
  const decoder = streamDecoder(tokenizer);
  const longest = Math.max(0, ...stop.map((text) => text.length));
  let text = "";
  let freed = 0;
  let stopped = false;
  return {
    push(id) {
      if (stopped) return "";
      const from = Math.max(0, text.length - longest + 1);
      text += decoder.push(id);
      const places = stop.map((one) => text.indexOf(one, from)).filter((place) => place >= 0);
      if (places.length > 0) {
        stopped = true;
        text = text.slice(0, Math.min(...places));
      }
      const free = stopped ? text.length : text.length - heldBack(text, stop);
      const piece = text.slice(freed, free);
      freed = Math.max(freed, free);
      return piece;
    },
    get stopped() {
      return stopped;
    },
    get text() {
      return text;
    },
  };
}

/** How much of the text's end is the beginning of a stop text. */
function heldBack(text: string, stop: readonly string[]): number {
  const lengths = stop.map((one) => {
    let length = Math.min(one.length - 1, text.length);
    while (length > 0 && !text.endsWith(one.slice(0, length))) length--;
    return length;
  });
  return Math.max(0, ...lengths);
}
