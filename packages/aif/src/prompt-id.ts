import type { Message, PromptRow } from "@zephyr/data";
import { crc32 } from "./journal/crc32.ts";
import { keyIndex } from "./journal/key-index.ts";
import { sha256 } from "./journal/request-key.ts";

/** The row's own id, else the sha256 (hex) of its prompt, or of the JSON of its messages. */
export function promptIdOf(row: PromptRow): string {
  if (row.prompt_id !== undefined) return row.prompt_id;
  // A row without a prompt is refused where its place can be named.
  return sha256(typeof row.prompt === "string" ? row.prompt : (JSON.stringify(row.prompt) ?? ""));
}

/** A prompt as messages; throws a TypeError when it is neither text nor messages that end on a user's turn. */
export function promptMessages(row: PromptRow, place: string): Message[] {
  const { prompt } = row;
  if (typeof prompt === "string" && prompt.trim() !== "") return [{ role: "user", content: prompt }];
  const messages = Array.isArray(prompt) ? prompt : [];
  const isGood = messages.every((message) => typeof message?.role === "string" && typeof message.content === "string");
  if (!isGood || messages.at(-1)?.role !== "user") {
    throw new TypeError(
      `${place}: prompt is ${shown(prompt)}; it must be a text or messages {role, content} of which the last is the user's`,
    );
  }
  return messages.map(({ role, content }) => ({ role, content }));
}

/** Lets each row through once: false for an identical repetition, an Error for two different rows with one id. */
export function onceById(where: string): (id: string, row: object, index: number) => boolean {
  const seen = keyIndex();
  return (id, row, index) => {
    if (typeof id !== "string" || id === "")
      throw new TypeError(`${where}: row ${index + 1} has prompt_id ${shown(id)}; it must be a text`);
    const key = sha256(id);
    const mark = crc32(Buffer.from(JSON.stringify(row))) || 1;
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, index, mark);
      return true;
    }
    if (first.mark === mark) return false;
    const message = `${where}: rows ${first.position + 1} and ${index + 1} have the same prompt_id ${JSON.stringify(id)} but different content; give each its own id`;
    throw Object.assign(new Error(message), { code: "EDUPLICATEID" });
  };
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "missing").slice(0, 120);
}
