import type { Message } from "../rows.ts";

/** Names that ShareGPT-style files give the roles; TRL keeps them, and the Zephyr template then renders nothing. */
const ROLES: Record<string, string> = {
  human: "user",
  gpt: "assistant",
  chatgpt: "assistant",
  bing: "assistant",
  bard: "assistant",
};

/** Whether a value is a list of messages, as `{role, content}` or as `{from, value}`. */
export function isMessageList(value: unknown): value is object[] {
  return (
    Array.isArray(value) &&
    value.every((message) => typeof message === "object" && message !== null && ("role" in message || "from" in message))
  );
}

/**
 * A list of messages as `{role, content}`, further keys kept: `from` / `value` are renamed, human and gpt become user and assistant.
 *
 * @throws TypeError naming the place when a role or content is no text.
 */
export function toMessages(value: unknown, place: string): Message[] {
  if (!isMessageList(value)) throw new TypeError(`${place}: is not a list of {role, content} messages`);
  return value.map((message, i) => {
    const { from, value: said, role: given, content: text, ...rest } = message as Record<string, unknown>;
    const role = given ?? (typeof from === "string" ? (ROLES[from] ?? from) : from);
    const content = text ?? said ?? ("tool_calls" in rest ? "" : undefined);
    if (typeof role !== "string") throw new TypeError(`${place}[${i}]: the role is ${JSON.stringify(role)}, not text`);
    if (typeof content !== "string")
      throw new TypeError(`${place}[${i}]: the content is ${JSON.stringify(content)?.slice(0, 40)}, not text`);
    return { role, content, ...rest };
  });
}

/** `row 17 (prompt_id "a3f")`, for messages. */
export function rowName(row: object, index: number): string {
  const id = (row as { prompt_id?: unknown }).prompt_id;
  return typeof id === "string" ? `row ${index} (prompt_id ${JSON.stringify(id)})` : `row ${index}`;
}
