import type { Message, Tokenizer } from "@zephyr/data";
import { badRequest } from "./api-error.ts";
import { booleanField, integerField, refuseOtherFields, wrongField } from "./fields.ts";
import { readSampling, SAMPLING_FIELDS, type Sampling } from "./sampling.ts";

/** A prompt as ids; `topLogps` is undefined where no log-probabilities are asked for. */
export interface Prompted extends Sampling {
  prompts: number[][];
  topLogps: number | undefined;
}

const KNOWN = [...SAMPLING_FIELDS, "messages", "max_completion_tokens", "logprobs", "top_logprobs"];
const ROLES = ["system", "developer", "user", "assistant"];

/** The body of `/v1/chat/completions`. Throws an ApiError naming the field. */
export function readChatRequest(body: Record<string, unknown>, tokenizer: Tokenizer): Prompted {
  refuseOtherFields(body, KNOWN);
  const sampling = readSampling(body);
  if (sampling.maxTokens === 0) throw wrongField("max_tokens", 0, "a whole number from 1");
  const wantsLogprobs = booleanField(body, "logprobs");
  const top = integerField(body, "top_logprobs", { min: 0, max: 20 });
  if (top !== undefined && !wantsLogprobs)
    throw badRequest("top_logprobs", "top_logprobs is given without logprobs; set logprobs to true");
  return {
    ...sampling,
    prompts: [encodeMessages(readMessages(body["messages"]), tokenizer)],
    topLogps: wantsLogprobs ? (top ?? 0) : undefined,
  };
}

function encodeMessages(messages: Message[], tokenizer: Tokenizer): number[] {
  try {
    const text = tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true });
    return tokenizer.encode(text, { addSpecialTokens: false });
  } catch (cause) {
    throw badRequest("messages", (cause as Error).message);
  }
}

function readMessages(value: unknown): Message[] {
  if (!Array.isArray(value) || value.length === 0) throw wrongField("messages", value, "a list of messages, at least one");
  return value.map((message: unknown, i) => {
    const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
    if (typeof role !== "string" || !ROLES.includes(role))
      throw wrongField(`messages[${i}].role`, role, `one of ${ROLES.join(", ")}`);
    return { role: role === "developer" ? "system" : role, content: contentText(content, `messages[${i}].content`) };
  });
}

/** A message's content is a text, or a list of parts of type text. */
function contentText(content: unknown, place: string): string {
  if (typeof content === "string") return content;
  const parts: unknown[] = Array.isArray(content) ? content : [undefined];
  const texts = parts.map((part) => {
    const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown };
    if (type === "text" && typeof text === "string") return text;
    throw wrongField(place, content, 'a text, or parts such as {"type": "text", "text": "..."}; nothing else is supported');
  });
  return texts.join("");
}
