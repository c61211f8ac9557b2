import { transform } from "../pipe.ts";
import type { Message, PromptRow, Rows } from "../rows.ts";
import { sha256 } from "../sha256.ts";
import { isMessageList, rowName, toMessages } from "./conversation.ts";

/** The id of a prompt: SHA-256 (hex) of the text's UTF-8 bytes, or of the JSON of the messages. */
export function promptId(prompt: string | Message[]): string {
  return sha256(typeof prompt === "string" ? prompt : JSON.stringify(prompt));
}

/**
 * Rows of any form as prompt rows with an id: the text is `prompt`, or `instruction` (openbmb/UltraFeedback); from/value messages become
 * role/content; a row's own `prompt_id` is kept. Further columns pass through.
 *
 * @throws TypeError naming the row that holds no prompt; Error when two rows share an id but not the prompt, naming both.
 */
export function toPromptRows(): <R extends object>(
  rows: AsyncIterable<R>,
) => Rows<Omit<R, "instruction"> & PromptRow & { prompt_id: string }> {
  return <R extends object>(rows: AsyncIterable<R>) =>
    transform(async function* (source: AsyncIterable<R>) {
      const seen = new Map<string, { index: number; content: string }>();
      let index = 0;
      for await (const row of source) {
        const place = `toPromptRows: ${rowName(row, index)}`;
        const { instruction, ...rest } = row as R & { instruction?: unknown };
        const prompt = promptOf(row, place);
        const given = (row as { prompt_id?: unknown }).prompt_id;
        const prompt_id = typeof given === "string" && given !== "" ? given : promptId(prompt);
        const content = promptId(prompt);
        const earlier = seen.get(prompt_id);
        if (earlier && earlier.content !== content) {
          throw new Error(`${place}: has the prompt_id of row ${earlier.index}, but another prompt; give each prompt its own id`);
        }
        seen.set(prompt_id, { index, content });
        yield { ...rest, prompt_id, prompt } as unknown as Omit<R, "instruction"> & PromptRow & { prompt_id: string };
        index++;
      }
    })(rows);
}

/** The prompt of a row of any form. */
export function promptOf(row: object, place: string): string | Message[] {
  const { prompt, instruction } = row as Record<string, unknown>;
  if (typeof prompt === "string") return prompt;
  if (isMessageList(prompt)) return toMessages(prompt, `${place}: prompt`);
  if (typeof instruction === "string") return instruction;
  throw new TypeError(`${place}: holds no prompt; give a column prompt (text or messages)`);
}
